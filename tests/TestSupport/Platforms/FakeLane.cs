using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;

namespace Troupe.TestSupport.Platforms;

/// <summary>A lane that is done when its platform or its test says so.</summary>
internal sealed class FakeLane(FakeInstance instance) : ILane
{
    private volatile ForwardException? _failure;
    private volatile int _status = (int)LaneStatus.Pending;
    private Tensor[] _inputs = [];
    private Action? _wake;
    private bool _returned;

    public FakeInstance Instance => instance;

    public Tensor Input => _inputs[0];

    public ModeSettings Settings { get; private set; } = ModeSettings.Default;

    public int MaxForwards => 1;

    public void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(forwards.Length, MaxForwards, nameof(forwards));
        Tensor[] inputs = forwards[0].Inputs;
        if (inputs.Length != 1 || inputs[0].Name != "x")
        {
            throw new ForwardException(FailureKind.InvalidInput, "The fake model takes one input 'x'.");
        }

        _inputs = inputs.Copied();
        _wake = wake;
        Settings = settings;
        instance.Platform.OnSubmit?.Invoke(this);
        if (instance.Platform.CompleteAtOnce)
        {
            Complete();
        }
    }

    public LaneStatus Poll(int forward)
    {
        instance.Platform.OnPoll?.Invoke(this);
        return (LaneStatus)_status;
    }

    public ISubmission? Detach() => null;

    public bool IsPending => _status == (int)LaneStatus.Pending;

    public Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null)
    {
        byte[] data = Array.ConvertAll(Input.Data.ToArray(), value => (byte)(value * 2));
        if (leasesFrom is null)
        {
            return [new Tensor("y", ElementType.UInt8, Input.Shape, data)];
        }

        TensorLease lease = leasesFrom.Lease(data.Length);
        data.CopyTo(lease.GetSpan());
        return [new Tensor("y", ElementType.UInt8, Input.Shape, new TensorPayload.Leased(lease, data.Length))];
    }

    public ForwardException FailureOf(int forward) => _failure!;

    public (long Input, long Infer, long Output) TimesOf(int forward) => (1, 2, 3);

    /// <summary>The device has finished. Any thread.</summary>
    public void Complete()
    {
        Finish();
        Wake();
    }

    /// <summary>The device has finished; nobody is told yet.</summary>
    public void Finish() => _status = (int)LaneStatus.Succeeded;

    /// <summary>Whoever submitted is told to look.</summary>
    public void Wake() => _wake!();

    /// <summary>The device has failed the launch. Any thread.</summary>
    public void Fail(ForwardException failure)
    {
        _failure = failure;
        _status = (int)LaneStatus.Failed;
        Wake();
    }

    public void Dispose()
    {
        if (_returned)
        {
            throw new InvalidOperationException("A lane was given back twice.");
        }

        _returned = true;
        instance.GiveBack(this);
    }
}
