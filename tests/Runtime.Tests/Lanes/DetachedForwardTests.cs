using System.Runtime.InteropServices;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>Large outputs that travel beside their lane (<see cref="HostForward"/>), in every legal order of work, each of which shows a
/// conflict.</summary>
public sealed class DetachedForwardTests
{
    private const int Rows = 100_000;
    private const int Seeds = 8;

    [Fact]
    public void A_lane_takes_its_next_forward_while_outputs_of_the_one_before_travel()
    {
        int detached = 0;
        for (int seed = 0; seed < Seeds; seed++)
        {
            using Workbench bench = Deferred(seed);
            ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
            for (int round = 1; round <= 4; round++)
            {
                HostLane lane = Computed(instance, X(round));
                if (lane.Detach() is not { } travelling)
                {
                    Check(2 * round, lane);
                    lane.Dispose();
                    continue;
                }

                detached++;
                lane.Dispose();
                HostLane next = Computed(instance, X(10 * round));
                Assert.Same(lane, next);
                Check(2 * round, travelling);
                Check(20 * round, next);
                travelling.Dispose();
                next.Dispose();
            }

            Assert.Empty(bench.Driver.Reports);
        }

        Assert.True(detached > Seeds, $"Only {detached} forwards detached from their lane.");
    }

    [Fact]
    public void A_second_forward_is_detached_only_once_the_first_was_taken()
    {
        using Workbench bench = Timed();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        HostLane lane = Computed(instance, X(1));
        ISubmission first = lane.Detach()!;
        Assert.NotNull(first);
        lane.Dispose();

        lane = Computed(instance, X(2));
        Assert.Null(lane.Detach());
        Check(2, first);
        Assert.Equal(LaneStatus.Pending, lane.Poll(0));
        Assert.Null(lane.Detach());
        first.Dispose();
        ISubmission second = lane.Detach()!;
        Assert.NotNull(second);
        lane.Dispose();
        Check(4, second);
        second.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Outputs_that_nobody_waits_for_keep_what_they_need_until_they_have_left(bool detaches)
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using Workbench bench = Deferred(seed);
            ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
            for (int round = 1; round <= 3; round++)
            {
                HostLane lane = Computed(instance, X(round));
                (detaches ? lane.Detach() : null)?.Dispose();
                lane.Dispose();
                HostLane next = Computed(instance, X(10 * round));
                Check(20 * round, next);
                next.Dispose();
            }

            HostLane last = Computed(instance, X(5));
            (detaches ? last.Detach() : null)?.Dispose();
            last.Dispose();
            Assert.Empty(bench.Driver.Reports);
        }
    }

    [Fact]
    public void Memory_of_outputs_is_back_when_they_have_left_and_not_before()
    {
        using Workbench bench = Timed();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        HostLane lane = Computed(instance, X(1));
        Assert.Equal(2, instance.HomePool.Lent);
        Check(2, lane);
        Assert.Equal(1, instance.HomePool.Lent);
        lane.Dispose();
    }

    [Fact]
    public void A_computation_that_fails_does_so_when_nothing_travels_any_more()
    {
        for (int seed = 0; seed < Seeds; seed++)
        {
            using Workbench bench = Deferred(seed);
            ModuleInstance instance = bench.Load(TinyModels.Pick(), lanes: 1);
            Tensor x = Workbench.Floats("x", [1], 7);
            Assert.Equal(7f, Workbench.Floats(Workbench.Forward(instance, x, Indexes(0))[0])[^1]);
            int lent = instance.HomePool.Lent;

            using (HostLane lane = instance.TryLease()!)
            {
                lane.Submit([new LaneForward([x, Indexes(3)], [])], ModeSettings.Default, static () => { });
                LaneStatus status;
                while ((status = lane.Poll(0)) == LaneStatus.Pending)
                {
                    Assert.Null(lane.Detach());
                }

                Assert.Equal((LaneStatus.Failed, lent), (status, instance.HomePool.Lent));
                Assert.Contains("failed while it ran", lane.FailureOf(0).Message, StringComparison.Ordinal);
            }

            Assert.Equal(7f, Workbench.Floats(Workbench.Forward(instance, x, Indexes(0))[0])[^1]);
        }
    }

    [Theory]
    [InlineData(CudaGraphsMode.Off, true)]
    [InlineData(CudaGraphsMode.PerSegment, false)]
    public void Outputs_in_a_recording_or_a_set_are_not_detached(CudaGraphsMode graphs, bool preAllocated)
    {
        using Workbench bench = Timed();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        var settings = new ModeSettings { CudaGraphs = graphs, PreAllocatedOutputs = preAllocated };
        for (int round = 1; round <= 3; round++)
        {
            using HostLane lane = Computed(instance, X(round), settings);
            Assert.True(round == 1 || lane.Detach() is null);
            Check(2 * round, lane);
        }
    }

    [Fact]
    public void An_attempt_that_finds_no_memory_on_the_host_or_the_device_keeps_none()
    {
        int failures = 0;
        for (int after = 0; after < 8; after++)
        {
            using Workbench bench = Timed();
            ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
            bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.AllocationFailure, 0) { After = after, Times = 3 });
            for (int round = 1; round <= 4; round++)
            {
                try
                {
                    HostLane lane = Computed(instance, X(round));
                    Check(2 * round, lane);
                    lane.Dispose();
                }
                catch (ForwardException)
                {
                    failures++;
                    instance.Lanes[0].Dispose();
                }

                Assert.InRange(instance.HomePool.Lent, 0, 1);
            }

            Assert.Empty(bench.Driver.Reports);
        }

        Assert.True(failures > 0, "Every allocation was had.");
    }

    [Fact]
    public void A_device_that_fails_when_a_forward_is_done_takes_its_times_and_nothing_else()
    {
        Workbench bench = Timed();
        ModuleInstance instance = bench.LoadFree(bench.Folder.Write("scale.onnx", TinyModels.Scale(2)), lanes: 1);
        HostLane lane = Computed(instance, X(1));
        ISubmission travelling = lane.Detach()!;
        while (travelling.Poll(0) == LaneStatus.Pending)
        {
            // Asking lets the device go on.
        }

        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.LostDevice, 0));
        Assert.Throws<ForwardException>(() => lane.Submit([new LaneForward([X(2)], [])], ModeSettings.Default, static () => { }));
        Assert.Equal(2f, Workbench.Floats(travelling.TakeOutputs(0)[0])[0]);
        Assert.Equal(default, travelling.TimesOf(0));
        travelling.Dispose();
        lane.Dispose();
        instance.Dispose();
        bench.Folder.Dispose();
        bench.Platform.Dispose();
    }

    [Fact]
    public void A_caller_in_this_process_waits_for_outputs_that_travel()
    {
        using Workbench bench = Timed();
        LocalModule module = bench.Open(TinyModels.Scale(2));
        for (int round = 1; round <= 3; round++)
        {
            Assert.Equal(2f * round, Workbench.Floats(module.Forward(X(round))[0])[^1]);
        }
    }

    private static Workbench Deferred(int seed) => new(new EmulatedDriverOptions { Policy = ExecutionPolicy.Deferred, Seed = seed });

    private static Workbench Timed() => new(new EmulatedDriverOptions { Policy = ExecutionPolicy.Timed });

    /// <summary>A forward whose computation is over, as far as its holder knows.</summary>
    private static HostLane Computed(ModuleInstance instance, Tensor input, ModeSettings? settings = null)
    {
        HostLane? lane;
        while ((lane = instance.TryLease()) is null)
        {
            // What was let go keeps the lane at work; asking lets it go on.
        }

        lane.Submit([new LaneForward([input], [])], settings ?? ModeSettings.Default, static () => { });
        lane.Lane.WaitUntilIdle();
        lane.Poll(0);
        return lane;
    }

    private static void Check(float expected, ISubmission submission)
    {
        LaneStatus status;
        while ((status = submission.Poll(0)) == LaneStatus.Pending)
        {
            // Asking lets the device go on.
        }

        Assert.Equal(LaneStatus.Succeeded, status);
        float[] values = Workbench.Floats(submission.TakeOutputs(0)[0]);
        Assert.Equal((expected, expected, Rows * 4), (values[0], values[^1], values.Length));
    }

    private static Tensor X(float value)
    {
        byte[] data = new byte[Rows * 16];
        MemoryMarshal.Cast<byte, float>(data.AsSpan()).Fill(value);
        return new Tensor("x", ElementType.Fp32, new TensorShape(Rows, 4), data);
    }

    private static Tensor Indexes(long last)
    {
        long[] indexes = new long[400_000];
        indexes[^1] = last;
        return Workbench.Longs("i", [indexes.Length], indexes);
    }
}
