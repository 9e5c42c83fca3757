using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Plans;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Plans;

public sealed class ForwardShapesTests
{
    private static readonly TensorShape Two = new(2);

    [Fact]
    public void A_shape_is_fixed_once_and_the_last_one_completes_them()
    {
        using var bench = new Workbench();
        ModuleGraph graph = bench.Load(TinyModels.Sum()).Graph;
        ForwardShapes shapes = Of(graph);
        TensorIndex output = graph.Outputs[0];
        Assert.Equal((true, false, false), (shapes.IsKnown(graph.Inputs[1]), shapes.IsKnown(output), shapes.IsComplete));

        shapes.Fix(output, Two);

        Assert.True(shapes.IsComplete);
        Assert.Equal(8ul, shapes.BytesOf(output));
        Assert.Throws<InvalidOperationException>(() => shapes.Fix(output, Two));
    }

    [Fact]
    public void Between_the_segments_of_a_lone_engine_nothing_is_placed_and_a_recording_places_all_it_touches_apart()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Sum());
        ModuleGraph graph = instance.Graph;
        var layout = new ModuleLayout(graph);
        ForwardShapes shapes = Of(graph);
        shapes.Fix(graph.Outputs[0], Two);

        Assert.Equal(0ul, ArenaLayout.BetweenSegments(layout, shapes).BytesOn(DeviceIndex.Home));

        ArenaLayout recording = ArenaLayout.OfRecording(layout, layout.Whole, shapes);
        var offsets = new List<ulong>();
        foreach (TensorIndex tensor in graph.Tensors.Indices)
        {
            Assert.True(recording.TryFind(DeviceIndex.Home, tensor, out ulong offset));
            offsets.Add(offset);
        }

        Assert.Equal([0ul, 256, 512], offsets.Order().ToArray());
        Assert.Equal(768ul, recording.BytesOn(DeviceIndex.Home));
    }

    private static ForwardShapes Of(ModuleGraph graph) => new(graph, new PlanKey([Two, Two], [], ProfileChoice.Auto, 0));
}
