using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Instances;

/// <summary>The lanes of an instance: <see cref="LanePool"/> behind the door that holders use.</summary>
public sealed class LanePoolTests
{
    private static readonly ModeSettings PerSegment = new() { CudaGraphs = CudaGraphsMode.PerSegment };

    [Fact]
    public void The_lane_used_last_is_lent_first_and_none_is_made_above_the_limit()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne(), lanes: 2);
        HostLane first = instance.TryLease()!,
            second = instance.TryLease()!;
        Assert.Null(instance.TryLease());
        Assert.Equal([first, second], instance.Lanes);

        second.Dispose();
        first.Dispose();
        first.Dispose();

        Assert.Same(first, instance.TryLease());
        Assert.Same(second, instance.TryLease());
        Assert.Null(instance.TryLease());
        first.Dispose();
        second.Dispose();
    }

    [Fact]
    public void What_no_mode_holds_is_freed_at_once_on_waiting_lanes_and_on_a_leased_one_when_it_is_given_back()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 2);
        HostLane leased = instance.TryLease()!,
            waiting = instance.TryLease()!;
        Workbench.Finish(leased, [X()], PerSegment);
        Workbench.Finish(waiting, [X()], PerSegment);
        waiting.Dispose();
        Assert.Equal((1, 1), (leased.Lane.Graphs, waiting.Lane.Graphs));

        instance.FreeAllBut(default);

        Assert.Equal((1, 0, false), (leased.Lane.Graphs, waiting.Lane.Graphs, instance.IsFreed));
        leased.Dispose();
        Assert.Equal((0, true), (leased.Lane.Graphs, instance.IsFreed));
    }

    [Fact]
    public void A_closed_pool_lends_nothing_and_takes_nothing_back()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        HostLane lane = instance.TryLease()!;

        instance.Dispose();
        instance.Dispose();
        lane.Dispose();

        Assert.Empty(instance.Lanes);
        Assert.Throws<ObjectDisposedException>(() => instance.TryLease());
    }

    [Theory]
    [InlineData(0, 6)]
    [InlineData(1, 1)]
    public void A_lane_that_could_not_be_made_leaves_no_stream_and_no_event(int device, int atLeast)
    {
        using var bench = Workbench.WithDevices(2);
        ModuleInstance instance = bench.Load(TinyModules.Hybrid(bench.Folder, middleDevice: 1));
        int before = bench.Driver.Alive().Count,
            refused = 0;
        HostLane? lane = null;
        while (lane is null)
        {
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedEvent, device) { After = refused });
            try
            {
                lane = instance.TryLease();
            }
            catch (ForwardException full)
            {
                Assert.Equal((FailureKind.OutOfDeviceMemory, before), (full.Kind, bench.Driver.Alive().Count));
                refused++;
            }
        }

        bench.Driver.ClearFaults();
        Assert.True(refused >= atLeast, $"Only {refused} creations were refused.");
        lane.Dispose();
    }

    private static Tensor X() => Workbench.Floats("x", [1, 4], 1, 1, 1, 1);
}
