using System.Runtime.InteropServices;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Nothing that a client can send ends an executor: names, types, shapes, values and sizes of every wrong kind against a node on
/// emulated devices, in every mode, by seed.</summary>
/// <remarks>ONNX Runtime's arena is the process's and bounded by the largest devices in it, so nothing else runs beside this.</remarks>
[Collection(nameof(HostileRequestsTests)), CollectionDefinition(nameof(HostileRequestsTests), DisableParallelization = true)]
public sealed class HostileRequestsTests(ITestOutputHelper output) : IDisposable
{
    private const long DeviceMemory = 64 << 20;

    private const int Requests = 2000;

    private static readonly long[] Dimensions =
    [
        0,
        1,
        2,
        3,
        4,
        7,
        1000,
        65_536,
        1L << 20,
        (1L << 31) - 1,
        1L << 31,
        1L << 40,
        1L << 62,
        long.MaxValue,
    ];

    private static readonly long[] Values = [-1, -2, int.MinValue, long.MinValue, .. Dimensions];

    private static readonly ModeChange?[] Modes =
    [
        null,
        new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment },
        new ModeChange { CudaGraphs = CudaGraphsMode.WholeModule },
        new ModeChange { PreAllocatedOutputs = true },
        new ModeChange { OutputAllocator = true },
    ];

    private readonly OnnxArena _arena = OnnxArena.Renew(2 * DeviceMemory, TimeProvider.System);

    [Fact]
    public async Task Two_thousand_hostile_requests_end_no_executor_and_good_ones_are_answered_between_them()
    {
        using var bench = new Workbench(
            EmulatedDriverOptions.WithDevices(2, new EmulatedDeviceOptions { MemoryBytes = DeviceMemory }) with
            {
                Strict = false,
            }
        );
        var platform = new CountingPlatform(bench.Platform);
        Model[] models = Catalogue(bench.Folder);
        await using (
            var local = LocalNode.Start(
                platform,
                spec =>
                    spec with
                    {
                        Repository = new FolderModelRepository(bench.Folder.Path, _ => { }),
                        MaxOutputBytes = 1 << 20,
                        DeviceDrainBound = TimeSpan.FromMinutes(1),
                    }
            )
        )
        {
            foreach (Model model in models)
            {
                await local.Load(model.Name);
            }

            int lives = platform.Lives;
            var random = new Random(20_261_127);
            var kinds = new Dictionary<string, int>();
            for (int request = 0; request < Requests; request++)
            {
                Model model = models[random.Next(models.Length)];
                ForwardReply reply = await Ask(local, Hostile(local.Node.NextRequestId(), model, random));
                string kind = reply is ForwardReply.Failed failed ? failed.Kind.ToString() : "Succeeded";
                kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
                Assert.False(
                    reply is ForwardReply.Failed { Kind: FailureKind.DeviceLost or FailureKind.Internal },
                    $"{model.Name}: {reply}"
                );
                if (request % 20 == 0)
                {
                    await MustBeRight(local, models[request / 20 % models.Length]);
                }
            }

            output.WriteLine(string.Join(", ", kinds.OrderBy(kind => kind.Key).Select(kind => $"{kind.Key} {kind.Value}")));
            Assert.Equal((2, 2), (lives, platform.Lives));
            Assert.InRange(_arena.Holdings.Taken, 0, 2 * DeviceMemory);
            Assert.True(kinds.GetValueOrDefault(nameof(FailureKind.InvalidInput)) > Requests / 4, "Hardly anything was refused.");
        }
    }

    public void Dispose() => OnnxArena.Renew(1UL << 34, TimeProvider.System);

    private static Model[] Catalogue(ModuleFolder folder)
    {
        Write(folder, "add", TinyModels.AddOne());
        Write(folder, "scale", TinyModels.Scale(2));
        Write(folder, "table", TinyModels.Table());
        Write(folder, "stretched", TinyModels.Stretched());
        Write(folder, "nonzero", TinyModels.NonZero());
        Write(folder, "doubled", TinyModels.Doubled());
        Write(folder, "pick", TinyModels.Pick());
        using (var expanded = new ModuleFolder())
        {
            EmulatedModels.ExpandedWithProfiles(expanded);
            string version = Directory.CreateDirectory(Path.Combine(folder.Path, "expanded", "1")).FullName;
            foreach (string file in Directory.EnumerateFiles(expanded.Path))
            {
                File.Copy(file, Path.Combine(version, Path.GetFileName(file)));
            }
        }

        return
        [
            new("add", [Floats("x", [1, 4], 1, 2, 3, 4)], [2, 3, 4, 5]),
            new("scale", [Floats("x", [2, 4], 1, 2, 3, 4, 5, 6, 7, 8)], [2, 4, 6, 8, 10, 12, 14, 16]),
            new("table", [Floats("a", [2, 1], 1, 2), Floats("b", [1, 2], 3, 4)], [3, 4, 6, 8]),
            new("stretched", [Floats("x", [1], 7), Longs("shape", 3)], [7, 7, 7]),
            new("nonzero", [Floats("x", [3], 0, 1, 2)], null),
            new("doubled", [Floats("x", [2], 1, 2)], [1, 2, 1, 2]),
            new("pick", [Floats("x", [2], 1, 2), Longs("i", 1, 0)], [2, 1]),
            new("expanded", [Floats("x", [1, 4], 1, 2, 3, 4), Longs("size", 2, 4)], [1, 2, 3, 4, 1, 2, 3, 4]),
        ];
    }

    private static void Write(ModuleFolder folder, string name, TinyOnnx model)
    {
        string version = Directory.CreateDirectory(Path.Combine(folder.Path, name, "1")).FullName;
        File.WriteAllBytes(Path.Combine(version, "model.onnx"), model.ToBytes());
    }

    private static async Task MustBeRight(LocalNode local, Model model)
    {
        var forward = new Forward
        {
            Id = local.Node.NextRequestId(),
            Model = new ModelReference(model.Name),
            Inputs = model.Inputs,
        };
        ForwardReply.Succeeded reply = Assert.IsType<ForwardReply.Succeeded>(await Ask(local, forward));
        if (model.Answer is { } answer)
        {
            Assert.Equal(answer, MemoryMarshal.Cast<byte, float>(reply.Outputs[0].Data.Span).ToArray());
        }
    }

    private static async Task<ForwardReply> Ask(LocalNode local, Forward forward)
    {
        local.Node.Forward(forward, local.Sink);
        return await local.Sink.Reply(forward.Id);
    }

    private static Forward Hostile(RequestId id, Model model, Random random)
    {
        List<Tensor> inputs = [.. model.Inputs];
        string[] outputs = [];
        int victim = random.Next(inputs.Count);
        Tensor given = inputs[victim];
        switch (random.Next(12))
        {
            case 0:
                inputs.RemoveAt(victim);
                break;
            case 1:
                inputs.Add(given);
                break;
            case 2:
                inputs[victim] = given with { Name = random.Next(2) == 0 ? "" : "☃\0x" };
                break;
            case 3:
                inputs[victim] = given with { Type = (ElementType)random.Next(0, 256) };
                break;
            case 4:
                inputs[victim] = given with { Shape = AnyShape(random) };
                break;
            case 5:
                inputs[victim] = given with { Data = new byte[random.Next(0, 100)] };
                break;
            case 6:
                outputs = [random.Next(2) == 0 ? "no such" : "y", "y"];
                break;
            case 7:
                inputs[victim] = Filled(given with { Shape = Modest(given.Shape.Rank, random) }, random);
                break;
            case 8:
                inputs[victim] = Filled(given with { Shape = Modest(random.Next(0, 9), random) }, random);
                break;
            case 9:
                inputs[^1] = inputs[^1] with { Data = Bytes(inputs[^1].Data.Length, random) };
                break;
            default:
                // The last input of most models says what to make: of which size, or from where.
                long[] said = [.. Enumerable.Range(0, random.Next(0, 11)).Select(_ => Values[random.Next(Values.Length)])];
                inputs[^1] = Longs(inputs[^1].Name, said);
                break;
        }

        return new Forward
        {
            Id = id,
            Model = new ModelReference(model.Name),
            Inputs = [.. inputs],
            Outputs = outputs,
            Modes = Modes[random.Next(Modes.Length)],
        };
    }

    private static TensorShape AnyShape(Random random) =>
        new([.. Enumerable.Range(0, random.Next(0, 9)).Select(_ => Dimensions[random.Next(Dimensions.Length)])]);

    private static TensorShape Modest(int rank, Random random) =>
        new([.. Enumerable.Range(0, rank).Select(axis => (long)random.Next(0, axis == 0 ? 3000 : 4))]);

    private static Tensor Filled(Tensor tensor, Random random) =>
        tensor with
        {
            Data = Bytes((int)tensor.Type.ByteCount(tensor.Shape.ElementCount), random),
        };

    private static byte[] Bytes(int count, Random random)
    {
        byte[] bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }

    private static Tensor Floats(string name, long[] shape, params float[] values) => Workbench.Floats(name, shape, values);

    private static Tensor Longs(string name, params long[] values) => Workbench.Longs(name, [values.Length], values);

    /// <param name="Answer">To the good inputs; null where it is not looked at.</param>
    private sealed record Model(string Name, Tensor[] Inputs, float[]? Answer);

    /// <summary>Counts the lives of executors: each opens its group once.</summary>
    private sealed class CountingPlatform(IPlatform platform) : IPlatform
    {
        private int _lives;

        public int Lives => Volatile.Read(ref _lives);

        public IReadOnlyList<DeviceDescription> Devices => platform.Devices;

        public IDeviceGroup OpenGroup(params IReadOnlyList<int> ordinals)
        {
            Interlocked.Increment(ref _lives);
            return platform.OpenGroup(ordinals);
        }

        public IModuleInstance Load(ModuleSource source, int homeOrdinal, InstanceOptions options, CancellationToken cancellation) =>
            platform.Load(source, homeOrdinal, options, cancellation);

        public void Dispose()
        {
            // The bench owns the platform.
        }
    }
}
