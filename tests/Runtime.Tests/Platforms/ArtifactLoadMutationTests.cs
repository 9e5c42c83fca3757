using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Artifacts;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Platforms;

/// <summary>Files changed at random are refused in words or run right; either way the device is as it was, and the next good file
/// loads.</summary>
public sealed class ArtifactLoadMutationTests(ITestOutputHelper output)
{
    [Fact]
    public void Mutated_artifacts_load_right_or_leave_nothing_behind()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[] plan = PackedEngines.Scale(2);
        string[] fields = RecordStrings.Fields(inputs: "x", outputs: "y", plan: plan);
        byte[][] good =
        [
            plan,
            ContainerFile.Write(
                new EngineRecord
                {
                    Name = "net",
                    Plan = plan,
                    InputNames = ["x"],
                    OutputNames = ["y"],
                }
            ),
            SavedModels.TorchScript(fields: fields),
            SavedPrograms.OneEngine(fields),
        ];
        using var bench = new Workbench();
        string path = Path.Combine(bench.Folder.Path, "mutant.pt2");
        int loaded = 0,
            refused = 0;
        for (int round = 0; round < 1000; round++)
        {
            byte[] file = [.. good[round % good.Length]];
            for (int change = random.Next(1, 4); change > 0; change--)
            {
                file[random.Next(file.Length)] = (byte)random.Next(256);
            }

            // Every tenth is only cut off.
            File.WriteAllBytes(path, round % 10 == 0 ? good[round % good.Length][..random.Next(1, file.Length)] : file);
            try
            {
                using LocalModule module = bench.Local.Load(path, lanes: 1);
                loaded++;
                Tensor x = Workbench.Floats(module.Spec.Inputs[0].Name, [1, 4], 1, 2, 3, 4);
                Assert.Equal([2, 4, 6, 8], Workbench.Floats(module.Forward(x)[0]));
            }
            catch (ModuleLoadException reason)
            {
                refused++;
                Assert.InRange(reason.Message.Length, 20, 4000);
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, round {round}: {other}\n{Convert.ToBase64String(file)}");
            }

            Assert.Empty(bench.Driver.Alive());
            Assert.Equal(0, bench.Driver.Snapshot(0).BytesInUse);
        }

        output.WriteLine($"{loaded} loaded, {refused} refused");
        Assert.True(refused > 100 && loaded > 10, "the mutations reach too little to mean anything");
    }
}
