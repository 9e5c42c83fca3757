using Akka.Actor;
using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>Outputs on lease that come back from an executor: whoever drops them releases them, what is answered is left
/// alone.</summary>
public sealed class GpuLeasesTests
{
    private static readonly ModelVersion Model = new("m", 1, new ContentHash(1, 0, 0, 0));

    private readonly HostMemory _memory = new();
    private readonly GpuRecorder _recorder = new();
    private readonly GpuCore _core;
    private readonly Launch _launch;

    public GpuLeasesTests()
    {
        var id = new GpuId(new NodeId("a:1"), 0);
        _core = new GpuCore(new GpuSpec(id, "fake", 100, 2, 1, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1)), _recorder.Queue);
        _core.Start(new ExecutorReady(1, ActorRefs.Nobody, [0]));
        _core.Adopt(new InstanceAdopted(1, 1, 0, new ModuleSpec(Model, "fake", [], [], [], true), ModuleTraits.Plain), default);
        _core.Released(new ResourcesReleased(1, Model, default), default);
        var forward = new Forward
        {
            Id = new RequestId(default, 1),
            Model = new ModelReference(Model.Name),
            Inputs = [],
        };
        _core.Admit(new DispatchForward(forward, Model, 1, TimeSpan.FromSeconds(30), null) { LeasesFrom = _memory }, default);
        _launch = _recorder.Applied.Select(decision => decision.Message).OfType<Launch>().Single();
        _recorder.Applied.Clear();
    }

    [Fact]
    public void Outputs_of_a_forward_whose_caller_has_gone_are_released()
    {
        _core.Drop(new DropForward(new RequestId(default, 1), 1), default);

        Complete();

        Assert.Equal(0, _memory.Snapshot().Leases);
    }

    [Fact]
    public void Outputs_that_come_from_an_executor_of_the_past_are_released()
    {
        _core.EndExecutor(new ExecutorLost(1, "a defect", false));

        Complete();

        Assert.Equal(0, _memory.Snapshot().Leases);
    }

    [Fact]
    public void Outputs_of_an_answered_forward_are_the_callers_and_those_of_a_dead_letter_nobodys()
    {
        Complete();

        GpuRelease release = Assert.Single(_recorder.Applied.Select(decision => decision.Message).OfType<GpuRelease>());
        Assert.Equal(1, _memory.Snapshot().Leases);
        release.Release();
        Assert.Equal(0, _memory.Snapshot().Leases);
        LaunchEnded lost = Ended();
        lost.Release();
        Assert.Equal(0, _memory.Snapshot().Leases);
    }

    private void Complete() => _core.Complete(Ended(), default);

    private LaunchEnded Ended()
    {
        var output = new Tensor("y", ElementType.UInt8, new TensorShape(1), new TensorPayload.Leased(_memory.Lease(1), 1));
        return new LaunchEnded(_launch, [ForwardResult.Succeeded([output], default)]);
    }
}
