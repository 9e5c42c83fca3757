using Troupe.Runtime.Cuda;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Execution;

/// <summary>Small programs with two streams: each wrong one lacks an order that the right one beside it has.</summary>
internal static class RacePrograms
{
    public static Dictionary<string, Action<EmulatedStage>> Wrong { get; } =
        new()
        {
            ["write and read on two streams"] = stage => TwoStreams(stage, order: false),
            ["copies from and to the same device bytes"] = stage => Copies(stage, order: false),
            ["two copies into the same pinned bytes"] = stage => PinnedBytes(stage, order: false),
            ["branches of one graph"] = stage => Branches(stage, order: false),
            ["replay beside a plain launch"] = stage => Replay(stage, order: false),
            ["host function beside a copy"] = stage => HostBytes(stage, order: false),
            ["synchronous copy beside stream work"] = stage => SynchronousCopy(stage, order: false),
            ["wait before the record"] = WaitBeforeRecord,
            ["peer copy beside a kernel of the other device"] = stage => Peer(stage, order: false),
        };

    public static Dictionary<string, Action<EmulatedStage>> Right { get; } =
        new()
        {
            ["write and read on two streams"] = stage => TwoStreams(stage, order: true),
            ["copies from and to the same device bytes"] = stage => Copies(stage, order: true),
            ["two copies into the same pinned bytes"] = stage => PinnedBytes(stage, order: true),
            ["branches of one graph"] = stage => Branches(stage, order: true),
            ["replay beside a plain launch"] = stage => Replay(stage, order: true),
            ["host function beside a copy"] = stage => HostBytes(stage, order: true),
            ["synchronous copy beside stream work"] = stage => SynchronousCopy(stage, order: true),
            ["peer copy beside a kernel of the other device"] = stage => Peer(stage, order: true),
            ["two readers"] = TwoReaders,
            ["neighbouring bytes"] = Neighbours,
            ["order through the host"] = ThroughHost,
            ["order through a third stream"] = ThroughThird,
        };

    private static void WaitIf(EmulatedStage stage, CuStream before, CuStream after, bool order)
    {
        CuEvent @event = stage.Event();
        if (order)
        {
            ContractDevice.Ok(stage.Driver.EventRecord(@event, before));
        }

        if (order)
        {
            ContractDevice.Ok(stage.Driver.StreamWaitEvent(after, @event));
        }
    }

    private static void TwoStreams(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64));
        WaitIf(stage, first, second, order);
        stage.Driver.LaunchManaged(second, TestKernel.Reads(values, 4));
    }

    private static void Copies(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values, HostPointer host) = (
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64),
            stage.Pinned(128)
        );
        stage.Driver.MemcpyHtoDAsync(values, host.Address, 64, first);
        WaitIf(stage, first, second, order);
        stage.Driver.MemcpyDtoHAsync(host.Address + 64, values, 64, second);
    }

    private static void PinnedBytes(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values, DevicePointer other, HostPointer host) = (
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64),
            stage.Memory(64),
            stage.Pinned(64)
        );
        stage.Driver.MemcpyDtoHAsync(host.Address, values, 64, first);
        WaitIf(stage, first, second, order);
        stage.Driver.MemcpyDtoHAsync(host.Address + 32, other, 32, second);
    }

    private static void Branches(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(first, CuStreamCaptureMode.ThreadLocal));
        WaitIf(stage, first, second, order: true);
        ContractDevice.Ok(stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64)));
        WaitIf(stage, first, second, order);
        ContractDevice.Ok(stage.Driver.LaunchManaged(second, TestKernel.Reads(values, 64)));
        WaitIf(stage, second, first, order: true);
        ContractDevice.Ok(stage.Driver.StreamEndCapture(first, out CuGraph graph));
        ContractDevice.Ok(stage.Driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        stage.Driver.GraphLaunch(executable, first);
    }

    private static void Replay(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        ContractDevice.Ok(stage.Driver.StreamBeginCapture(first, CuStreamCaptureMode.ThreadLocal));
        ContractDevice.Ok(stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64)));
        ContractDevice.Ok(stage.Driver.StreamEndCapture(first, out CuGraph graph));
        ContractDevice.Ok(stage.Driver.GraphInstantiate(out CuGraphExec executable, graph, CuGraphInstantiateFlags.None));
        for (int i = 0; i < 3; i++)
        {
            stage.Driver.GraphLaunch(executable, first);
        }

        WaitIf(stage, first, second, order);
        stage.Driver.LaunchManaged(second, TestKernel.Reads(values, 64));
    }

    private static void HostBytes(EmulatedStage stage, bool order)
    {
        (CuStream first, CuStream second, DevicePointer values, HostPointer host) = (
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64),
            stage.Pinned(64)
        );
        stage.Driver.MemcpyDtoHAsync(host.Address, values, 64, first);
        WaitIf(stage, first, second, order);
        stage.Driver.LaunchHostFunc(second, new Reader(host));
    }

    private static void SynchronousCopy(EmulatedStage stage, bool order)
    {
        (CuStream stream, DevicePointer values, HostPointer host) = (stage.Stream(), stage.Memory(64), stage.Pinned(64));
        stage.Driver.LaunchManaged(stream, TestKernel.Writes(values, 64));
        if (order)
        {
            stage.Driver.StreamSynchronize(stream);
        }

        stage.Driver.MemcpyDtoH(host.Address, values, 64);
    }

    private static void WaitBeforeRecord(EmulatedStage stage)
    {
        (CuStream first, CuStream second, DevicePointer values, CuEvent @event) = (
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64),
            stage.Event()
        );
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64));
        stage.Driver.StreamWaitEvent(second, @event);
        stage.Driver.EventRecord(@event, first);
        stage.Driver.LaunchManaged(second, TestKernel.Reads(values, 64));
    }

    private static void Peer(EmulatedStage stage, bool order)
    {
        (CuStream first, DevicePointer values) = (stage.Stream(), stage.Memory(64));
        stage.On(1);
        (CuStream second, DevicePointer there) = (stage.Stream(), stage.Memory(64));
        stage.On(0);
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64));
        WaitIf(stage, first, second, order);
        stage.Driver.MemcpyPeerAsync(there, stage.Contexts[1], values, stage.Contexts[0], 64, second);
        stage.On(1);
        stage.Driver.CtxSynchronize();
        if (!order)
        {
            return;
        }

        stage.On(0);
    }

    private static void TwoReaders(EmulatedStage stage)
    {
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        stage.Driver.LaunchManaged(first, TestKernel.Reads(values, 64));
        stage.Driver.LaunchManaged(second, TestKernel.Reads(values, 64));
    }

    private static void Neighbours(EmulatedStage stage)
    {
        (CuStream first, CuStream second, DevicePointer values) = (stage.Stream(), stage.Stream(), stage.Memory(64));
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 32));
        stage.Driver.LaunchManaged(second, TestKernel.Writes(values + 32, 32));
    }

    private static void ThroughHost(EmulatedStage stage)
    {
        (CuStream first, CuStream second, DevicePointer values, CuEvent @event) = (
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64),
            stage.Event()
        );
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64));
        stage.Driver.EventRecord(@event, first);
        while (stage.Driver.EventQuery(@event) == CuResult.NotReady) { }

        stage.Driver.LaunchManaged(second, TestKernel.Writes(values, 64));
    }

    private static void ThroughThird(EmulatedStage stage)
    {
        (CuStream first, CuStream second, CuStream third, DevicePointer values) = (
            stage.Stream(),
            stage.Stream(),
            stage.Stream(),
            stage.Memory(64)
        );
        stage.Driver.LaunchManaged(first, TestKernel.Writes(values, 64));
        WaitIf(stage, first, third, order: true);
        WaitIf(stage, third, second, order: true);
        stage.Driver.LaunchManaged(second, TestKernel.Writes(values, 64));
    }

    private sealed class Reader(HostPointer pointer) : HostFunction
    {
        private readonly HostRange[] _ranges = [new(pointer.Address, 64, AccessKind.Read)];

        public override ReadOnlySpan<HostRange> Ranges => _ranges;

        public override void Invoke() { }
    }
}
