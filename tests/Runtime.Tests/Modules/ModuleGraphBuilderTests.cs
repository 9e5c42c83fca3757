using Troupe.Messages.Identity;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Modules;

public sealed class ModuleGraphBuilderTests
{
    [Theory, Trait("row", "AL-05")]
    [InlineData("""[{ "output": "c", "input": "z" }]""", "a,b")]
    [InlineData("""[{ "output": "b", "input": "y" }, { "output": "c", "input": "z" }]""", "a")]
    [InlineData("""[{ "output": "b", "input": "y" }]""", "a,b,c")]
    [InlineData("""[{ "output": "a", "input": "x" }, { "output": "b", "input": "y" }, { "output": "c", "input": "z" }]""", "a,b,c")]
    public void Results_of_a_lone_engine_end_with_the_last_output_that_is_not_written_in_place(string aliases, string expected)
    {
        using var bench = new Workbench();
        bench.Folder.Write(
            "net.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, 4)
                .Input("y", TinyOnnx.Element.Float, 4)
                .Input("z", TinyOnnx.Element.Float, 4)
                .Output("a", TinyOnnx.Element.Float, 4)
                .Output("b", TinyOnnx.Element.Float, 4)
                .Output("c", TinyOnnx.Element.Float, 4)
                .Node("Neg", ["x"], ["a"])
                .Node("Neg", ["y"], ["b"])
                .Node("Neg", ["z"], ["c"])
        );
        string path = bench.Folder.Write("engine.json", $$"""{ "onnx": "net.onnx", "aliases": {{aliases}} }""");
        using DeviceContext device = DeviceContext.Retain(bench.Driver, 0);
        using ContextEntry entry = device.Enter();
        using BlockPool memory = bench.Platform.Memory.Open(0);
        using DeviceStream stream = DeviceStream.Create(device);
        using IEngine engine = new EmulatedBackend().Load(
            new EngineSource("_run_on_acc_0", path, File.ReadAllBytes(path)),
            new EngineHome(bench.Driver, 0, device.Handle, stream.Handle, memory),
            CancellationToken.None
        );
        var segment = new SegmentDefinition(
            new SegmentSpec("_run_on_acc_0", SegmentKind.Engine, "emulated", "engine.json", 0, [], []),
            path,
            default,
            [],
            false,
            null
        );
        var lone = new ModuleDefinition(default, IsLone: true, [], [], [segment]);

        ModuleGraph graph = ModuleGraphBuilder.Build(lone, new ModelVersion("m", 1, default), [engine], "tensorrt_plan");
        Assert.Equal(expected, string.Join(',', graph.Spec.Outputs.Select(output => output.Name)));
        Assert.False(graph.Spec.SafeToResend);
    }
}
