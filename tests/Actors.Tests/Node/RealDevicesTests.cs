using System.Diagnostics;
using System.Runtime.InteropServices;
using Troupe.Actors.Models;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>The node over Troupe's own runtime on emulated devices: a real ONNX model from its repository folder, through every
/// actor.</summary>
public sealed class RealDevicesTests(ITestOutputHelper output)
{
    [Fact]
    public async Task An_onnx_model_of_a_repository_answers_and_the_way_through_the_actors_is_short()
    {
        using var bench = Workbench.WithDevices(2);
        string repository = bench.Folder.Path;
        Directory.CreateDirectory(Path.Combine(repository, "add", "1"));
        File.WriteAllBytes(Path.Combine(repository, "add", "1", "model.onnx"), TinyModels.AddOne().ToBytes());
        await using LocalNode local = LocalNode.Start(
            bench.Platform,
            spec => spec with { Repository = new FolderModelRepository(repository, _ => { }) }
        );
        await local.Load("add");
        ModelSnapshot model = local.Node.View.Nodes[0].Models[0];
        Tensor[] inputs =
        [
            .. model.Inputs.Select(input => new Tensor(
                input.Name,
                input.Type,
                new TensorShape(1, 4),
                MemoryMarshal.AsBytes<float>([1, 2, 3, 4]).ToArray()
            )),
        ];

        async Task<ForwardReply.Succeeded> Run()
        {
            var forward = new Forward
            {
                Id = local.Node.NextRequestId(),
                Model = new ModelReference("add"),
                Inputs = inputs,
            };
            local.Node.Forward(forward, local.Sink);
            return Assert.IsType<ForwardReply.Succeeded>(await local.Sink.Reply(forward.Id));
        }

        ForwardReply.Succeeded first = await Run();
        Assert.Equal([2f, 3f, 4f, 5f], MemoryMarshal.Cast<byte, float>(first.Outputs[0].Data.Span).ToArray());
        var times = new List<double>();
        for (int i = 0; i < 3000; i++)
        {
            long start = Stopwatch.GetTimestamp();
            await Run();
            times.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        times.Sort();
        output.WriteLine($"edge to edge, one at a time: p50 {times[1500]:0.0} us, p90 {times[2700]:0.0} us, p99 {times[2970]:0.0} us");
    }
}
