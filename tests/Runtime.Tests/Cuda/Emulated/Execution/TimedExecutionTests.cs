using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Execution;

/// <summary>Arithmetic of the virtual clock: what overlaps, what does not, and when the host sees it.</summary>
public sealed class TimedExecutionTests
{
    private static readonly TimeSpan Ten = TimeSpan.FromMilliseconds(10);
    private static readonly EmulatedDeviceOptions Device = new() { CopyBytesPerSecond = 100_000_000 };

    [Fact]
    public void Kernels_of_one_device_follow_each_other()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        (CuStream first, CuStream second) = (stage.Stream(), stage.Stream());
        Launch(stage, first, Ten);
        Launch(stage, second, Ten);
        ContractDevice.Ok(stage.Driver.CtxSynchronize());
        Assert.Equal(2 * Ten, stage.Driver.Clock.Elapsed);
    }

    [Fact]
    public void Kernels_of_a_device_with_two_slots_overlap()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device with { ConcurrentKernels = 2 });
        Launch(stage, stage.Stream(), Ten);
        Launch(stage, stage.Stream(), Ten);
        ContractDevice.Ok(stage.Driver.CtxSynchronize());
        Assert.Equal(Ten, stage.Driver.Clock.Elapsed);
    }

    [Fact]
    public void Kernels_of_two_devices_overlap_from_one_thread()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream first = stage.Stream();
        stage.On(1);
        CuStream second = stage.Stream();
        Launch(stage, first, Ten);
        Launch(stage, second, Ten);
        ContractDevice.Ok(stage.Driver.StreamSynchronize(first));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(second));
        Assert.Equal(Ten, stage.Driver.Clock.Elapsed);
        Assert.Equal(Ten, stage.Driver.Clock.BusyTime(0));
        Assert.Equal(Ten, stage.Driver.Clock.BusyTime(1));
    }

    [Fact]
    public void Copies_both_ways_and_a_kernel_overlap_and_a_pipeline_takes_its_longest_stage()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream[] lanes = new[] { stage.Stream(), stage.Stream(), stage.Stream() };
        HostPointer host = stage.Pinned(6_000_000);
        DevicePointer values = stage.Memory(3_000_000);
        for (int i = 0; i < 3; i++)
        {
            // Each copy of a million bytes takes 10 ms.
            ContractDevice.Ok(
                stage.Driver.MemcpyHtoDAsync(values + ((ulong)i * 1_000_000), host.Address + (i * 1_000_000), 1_000_000, lanes[i])
            );
            Launch(stage, lanes[i], Ten);
            ContractDevice.Ok(
                stage.Driver.MemcpyDtoHAsync(
                    host.Address + 3_000_000 + (i * 1_000_000),
                    values + ((ulong)i * 1_000_000),
                    1_000_000,
                    lanes[i]
                )
            );
        }

        ContractDevice.Ok(stage.Driver.CtxSynchronize());
        Assert.Equal(5 * Ten, stage.Driver.Clock.Elapsed);
    }

    [Fact]
    public void A_wait_holds_its_stream_but_not_its_device()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream waiting = stage.Stream();
        CuStream free = stage.Stream();
        stage.On(1);
        CuStream other = stage.Stream();
        CuEvent done = stage.Event();
        Launch(stage, other, 3 * Ten);
        ContractDevice.Ok(stage.Driver.EventRecord(done, other));
        ContractDevice.Ok(stage.Driver.StreamWaitEvent(waiting, done));
        Launch(stage, waiting, Ten);
        Launch(stage, free, Ten);
        ContractDevice.Ok(stage.Driver.StreamSynchronize(free));
        Assert.Equal(Ten, stage.Driver.Clock.Elapsed);
        ContractDevice.Ok(stage.Driver.StreamSynchronize(waiting));
        Assert.Equal(4 * Ten, stage.Driver.Clock.Elapsed);
    }

    [Fact]
    public void Nothing_is_done_before_its_time()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream stream = stage.Stream();
        var kernel = new TestKernel("late", [], duration: Ten);
        CuEvent done = stage.Event();
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, kernel));
        ContractDevice.Ok(stage.Driver.EventRecord(done, stream));
        stage.Driver.Clock.Advance(Ten / 2);
        Assert.Equal(CuResult.NotReady, stage.Driver.EventQuery(done));
        Assert.Equal(0, kernel.Runs);
        stage.Driver.Clock.Advance(Ten / 2);
        ContractDevice.Ok(stage.Driver.EventQuery(done));
        Assert.Equal(1, kernel.Runs);
    }

    [Fact]
    public void Polling_costs_host_time_and_therefore_ends()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream stream = stage.Stream();
        Launch(stage, stream, TimeSpan.FromMicroseconds(20));
        int polls = 0;
        while (stage.Driver.StreamQuery(stream) == CuResult.NotReady)
        {
            polls++;
        }

        Assert.InRange(polls, 10, 30);
    }

    [Fact]
    public void Elapsed_time_between_events_is_virtual()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        CuStream stream = stage.Stream();
        (CuEvent start, CuEvent end) = (stage.Event(CuEventFlags.Default), stage.Event(CuEventFlags.Default));
        ContractDevice.Ok(stage.Driver.EventRecord(start, stream));
        Launch(stage, stream, 7 * Ten);
        ContractDevice.Ok(stage.Driver.EventRecord(end, stream));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(stream));
        ContractDevice.Ok(stage.Driver.EventElapsedTime(out float milliseconds, start, end));
        Assert.Equal(70f, milliseconds, 3);
    }

    [Fact]
    public void A_replay_takes_the_time_of_its_longest_path()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device with { ConcurrentKernels = 2 });
        (CuStream first, CuStream second) = (stage.Stream(), stage.Stream());
        (CuEvent fork, CuEvent join) = (stage.Event(), stage.Event());
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(first, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Driver.EventRecord(fork, first));
        ContractDevice.Ok(stage.Driver.StreamWaitEvent(second, fork));
        Launch(stage, first, Ten);
        Launch(stage, second, 3 * Ten);
        ContractDevice.Ok(stage.Driver.EventRecord(join, second));
        ContractDevice.Ok(stage.Driver.StreamWaitEvent(first, join));
        Launch(stage, first, Ten);
        ContractDevice.Ok(stage.Driver.StreamEndCapture(first, out CuGraph graph));
        ContractDevice.Ok(stage.Driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        ContractDevice.Ok(stage.Driver.GraphLaunch(executable, first));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(first));
        Assert.Equal(4 * Ten, stage.Driver.Clock.Elapsed);
    }

    [Fact]
    public void A_slow_device_takes_a_multiple_of_the_time()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Timed, device: Device);
        stage.Driver.Inject(new EmulatedFault(EmulatedFaultKind.SlowDevice, 0) { After = 1, SlowDown = 5 });
        CuStream stream = stage.Stream();
        Launch(stage, stream, Ten);
        Launch(stage, stream, Ten);
        ContractDevice.Ok(stage.Driver.StreamSynchronize(stream));
        Assert.Equal(6 * Ten, stage.Driver.Clock.Elapsed);
    }

    private static void Launch(EmulatedStage stage, CuStream stream, TimeSpan duration) =>
        ContractDevice.Ok(stage.Driver.LaunchManaged(stream, TestKernel.Takes(duration)));
}
