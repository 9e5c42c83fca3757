using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Plans;

namespace Troupe.Runtime.Lanes;

/// <summary>A lane as an executor sees it: host tensors in, host tensors out, and a status to poll between them.</summary>
/// <remarks>
/// The host-facing side of a <see cref="Lanes.Lane"/>, idle or leased. Inputs are copied into page-locked staging at once, outputs leave
/// the device before the lane is free again.
/// <b>Owns</b> the lane and the host's side of its forwards. <b>Thread</b> its holder's. <b>Blocks</b> never.
/// </remarks>
internal sealed class HostLane : ILane
{
    private readonly ModuleHealth _health;
    private readonly Action<HostLane> _giveBack;
    private readonly HostSide _host;
    private readonly int _maxRuns;
    private ModeSettings _settings = ModeSettings.Default;
    private int _runs;
    private bool _hasGivenBack;
    private ForwardException? _failure;
    private LaneStatus _status;

    /// <param name="lane">Its own from here on, unless this fails.</param>
    public HostLane(Lane lane, InstanceParts parts, Action<HostLane> giveBack)
    {
        Lane = lane;
        _health = parts.Health;
        _giveBack = giveBack;

        // An output's shape is found to be other than declared, then to depend on data; each finding costs a run.
        _maxRuns = 1 + 2 * parts.Graph.Segments.Items.Sum(segment => segment.Outputs.Length);
        _host = new HostSide(parts, lane.Home);
    }

    /// <summary>The device-facing side.</summary>
    public Lane Lane { get; }

    /// <summary>What modes hold since it was last asked; the rest is freed when the lane is next idle. Null when there is nothing to
    /// free.</summary>
    public HeldModes? FreeWhenIdle { get; set; }

    /// <summary>Whether <see cref="FreeUnheld"/> has anything to free.</summary>
    public bool HoldsUnneeded => FreeWhenIdle is not null || _host.IsOversized;

    public int MaxForwards => 1;

    public void Submit(ReadOnlySpan<LaneForward> forwards, ModeSettings settings, Action wake)
    {
        if (forwards.Length != MaxForwards)
        {
            throw new ArgumentException(
                $"A submission to this lane holds {MaxForwards} forward; {forwards.Length} were given.",
                nameof(forwards)
            );
        }

        Submit(forwards[0].Inputs, forwards[0].Outputs, settings, wake);
    }

    /// <summary>Starts a single forward whose inputs and names need no array of their own.</summary>
    public void Submit(ReadOnlySpan<Tensor> inputs, ReadOnlySpan<string> outputs, ModeSettings settings, Action wake)
    {
        _host.Begin(inputs, outputs, wake);
        _failure = null;
        _status = LaneStatus.Pending;
        _settings = settings;
        _runs = 0;
        _hasGivenBack = false;
        try
        {
            Run();
        }
        finally
        {
            _host.Inputs.Forget();
        }
    }

    public LaneStatus Poll(int forward)
    {
        RequireSubmitted(forward);
        if (_status != LaneStatus.Pending)
        {
            return _status;
        }

        CuResult reached = Lane.Done.Query();
        if (reached == CuResult.NotReady)
        {
            return LaneStatus.Pending;
        }

        _failure =
            reached == CuResult.Success ? Lane.Failure.Remove() : _health.Explain(new CudaException(reached, "completion of a forward"));
        Lane.Completed(succeeded: _failure is null);
        return _status =
            _failure is null ? LaneStatus.Succeeded
            : MayRunAgain(_failure) && TryRunAgain() ? LaneStatus.Pending
            : LaneStatus.Failed;
    }

    public Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null)
    {
        RequireSubmitted(forward);
        return _status == LaneStatus.Succeeded
            ? _host.Outputs.ToTensors(leasesFrom)
            : throw new InvalidOperationException("There are no outputs: the submission has not succeeded.");
    }

    public ForwardException FailureOf(int forward)
    {
        RequireSubmitted(forward);
        return _failure ?? throw new InvalidOperationException("The forward has not failed.");
    }

    public (long Input, long Infer, long Output) TimesOf(int forward)
    {
        RequireSubmitted(forward);
        return _status == LaneStatus.Succeeded ? _host.Times(Lane.Done) : default;
    }

    /// <summary>Gives the lane back; work still in flight ends before it is lent again.</summary>
    public void Dispose() => _giveBack(this);

    /// <summary>Frees everything; nothing is in flight.</summary>
    public void Destroy()
    {
        _host.Dispose();
        Lane.Dispose();
    }

    /// <summary>Frees what no mode holds any longer, if that was asked for, and staging that forwards do not need. The lane is
    /// idle.</summary>
    public void FreeUnheld()
    {
        _host.Trim();
        if (FreeWhenIdle is { } held)
        {
            FreeWhenIdle = null;
            Lane.FreeAllBut(held);
        }
    }

    /// <summary>Gives back what the lane keeps on its devices for the next forward. It is idle.</summary>
    /// <param name="held">What modes hold; null where that is not known.</param>
    public void GiveBackMemory(HeldModes? held)
    {
        _host.Inputs.GiveBackMemory();
        Lane.GiveBackMemory(held);
    }

    private bool MayRunAgain(ForwardException failed) => failed.IsShapeContradiction && _runs < _maxRuns;

    /// <summary>Once more, on the inputs as they were: what was wrong about its outputs' shapes is known now.</summary>
    private bool TryRunAgain()
    {
        try
        {
            ForgetShapes();
            Run();
            return true;
        }
        catch (ForwardException failed)
        {
            _failure = failed;
            return false;
        }
    }

    /// <summary>Puts the forward on the lane's streams; again, where it meets a wrong shape before it is all enqueued.</summary>
    private void Run()
    {
        while (true)
        {
            try
            {
                _runs++;
                Lane.Failure.Remove();
                Lane.Forward(_host, _settings);
                return;
            }
            catch (ForwardException full) when (full.Kind == FailureKind.OutOfDeviceMemory && !_hasGivenBack)
            {
                // The lane's own contexts keep buffers of former shapes, which nobody else can ask for while it is at work.
                _hasGivenBack = true;
                _runs--;
                WhenIdle(static lane => lane.GiveBackMemory(held: null));
            }
            catch (ForwardException failed) when (MayRunAgain(failed))
            {
                ForgetShapes();
            }
        }
    }

    /// <summary>Contexts, plans and recordings were made for shapes that are none.</summary>
    private void ForgetShapes() => WhenIdle(static lane => lane.DropContexts());

    /// <exception cref="ForwardException">The device refuses it, or is lost.</exception>
    private void WhenIdle(Action<Lane> act)
    {
        try
        {
            Lane.WaitUntilIdle();
            act(Lane);
        }
        catch (CudaException trouble)
        {
            throw _health.Explain(trouble);
        }
    }

    private static void RequireSubmitted(int forward) => ArgumentOutOfRangeException.ThrowIfNotEqual(forward, 0);
}
