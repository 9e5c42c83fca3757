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
/// The host-facing side of a <see cref="Lanes.Lane"/>, idle or leased. Inputs are copied into page-locked staging at once; outputs leave
/// the device before the lane is free again, or travel out of memory of their own while the lane takes its next forward.
/// <b>Owns</b> the lane, its staging and forwards. <b>Thread</b> its holder's. <b>Blocks</b> in <see cref="WaitUntilDone"/>, and in
/// <see cref="Submit(ReadOnlySpan{Tensor}, ReadOnlySpan{string}, ModeSettings, Action)"/> where the module has tensors of type BYTES.
/// It is long because what a forward does from its submission to its end is read together.
/// </remarks>
internal sealed class HostLane : ILane
{
    private readonly ModuleHealth _health;
    private readonly Action<HostLane> _giveBack;
    private readonly HostInputs _inputs;
    private readonly DeviceStream? _beside;
    private readonly int _maxRuns;
    private readonly bool _holdsStrings;
    private readonly bool _writesInputs;
    private HostForward _forward;

    /// <summary>The one that is detached, or is to take the place of the next that is; null where none can.</summary>
    private HostForward? _other;
    private ModeSettings _settings = ModeSettings.Default;
    private int _runs;
    private bool _hasGivenBack;

    /// <param name="lane">Its own from here on, unless this fails.</param>
    public HostLane(Lane lane, InstanceParts parts, Action<HostLane> giveBack)
    {
        Lane = lane;
        _health = parts.Health;
        _giveBack = giveBack;
        _holdsStrings = parts.Layout.HasStrings;

        // An output's shape is found to be other than declared, then to depend on data; each finding costs a run.
        _maxRuns = 1 + 2 * parts.Graph.Segments.Items.Sum(segment => segment.Outputs.Length);
        _writesInputs = parts.Traits.AliasedOutput is not null;
        _inputs = new HostInputs(parts, lane.Home);
        DeviceContext home = lane.Home.Context;
        try
        {
            _beside = home.HasCopyEngines ? DeviceStream.Create(home) : null;
            _other = home.HasCopyEngines ? new HostForward(lane, parts, _beside) : null;
            _forward = new HostForward(lane, parts, _beside);
        }
        catch
        {
            _other?.Destroy();
            _beside?.Dispose();
            throw;
        }
    }

    /// <summary>The device-facing side.</summary>
    public Lane Lane { get; }

    /// <summary>What modes hold since it was last asked; the rest is freed when the lane is next idle. Null when there is nothing to
    /// free.</summary>
    public HeldModes? FreeWhenIdle { get; set; }

    /// <summary>Whether <see cref="FreeUnheld"/> has anything to free.</summary>
    public bool HoldsUnneeded =>
        FreeWhenIdle is not null || _inputs.IsOversized || _forward.IsOversized || _other is { IsOversized: true, IsFree: true };

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
        try
        {
            _inputs.Match(inputs);
            _forward.Begin(outputs, wake);
            _settings = settings;
            _runs = 0;
            _hasGivenBack = false;
            Run();
            if (_holdsStrings)
            {
                Finish();
            }
        }
        finally
        {
            _inputs.Forget();
        }
    }

    /// <summary>One forward on tensors in device memory, as the lane's device-facing side has it; once more where the device was full of
    /// what the lane itself keeps.</summary>
    /// <inheritdoc cref="Lanes.Lane.Forward(ReadOnlySpan{DeviceTensor}, Span{DeviceTensor}, ModeSettings, CallerStream)"/>
    public void Forward(ReadOnlySpan<DeviceTensor> inputs, Span<DeviceTensor> outputs, ModeSettings settings, CallerStream caller)
    {
        _hasGivenBack = false;
        while (true)
        {
            try
            {
                Lane.Forward(inputs, outputs, settings, caller);
                return;
            }
            catch (ForwardException full) when (IsFullOfOwn(full))
            {
                GiveBackOwn();
                if (_writesInputs || IsAnyStale(inputs))
                {
                    // It may have written some, in place or as views of the set that its outputs go to: nobody here knows whether they are
                    // still what they were.
                    throw;
                }
            }
        }
    }

    public LaneStatus Poll(int forward)
    {
        bool wasPending = _forward.Status == LaneStatus.Pending;
        if (wasPending && !_forward.IsComputed)
        {
            EndComputation();
        }

        LaneStatus status = _forward.Poll(forward);
        return wasPending && status == LaneStatus.Failed && MayRunAgain(_forward.FailureOf(forward)) && TryRunAgain()
            ? LaneStatus.Pending
            : status;
    }

    public ISubmission? Detach()
    {
        if (!_forward.CanDetach || _other is not { IsFree: true } other)
        {
            return null;
        }

        HostForward detached = _forward;
        detached.Detach();
        (_forward, _other) = (other, detached);
        return detached;
    }

    public Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null) => _forward.TakeOutputs(forward, leasesFrom);

    public ForwardException FailureOf(int forward) => _forward.FailureOf(forward);

    public (long Input, long Infer, long Output) TimesOf(int forward) => _forward.TimesOf(forward);

    /// <summary>Waits for the lane and for outputs that travel, whatever became of them.</summary>
    public void WaitUntilDone()
    {
        Lane.WaitUntilIdle();
        _forward.WaitUntilLeft();
    }

    /// <summary>Gives the lane back; work still in flight ends before it is lent again.</summary>
    public void Dispose()
    {
        _forward.Abandon();
        _giveBack(this);
    }

    /// <summary>Frees everything; the lane is idle.</summary>
    public void Destroy()
    {
        _forward.Destroy();
        _other?.Destroy();
        _beside?.Dispose();
        _inputs.Dispose();
        Lane.Dispose();
    }

    /// <summary>Frees what no mode holds any longer, if that was asked for, and staging that forwards do not need. The lane is
    /// idle.</summary>
    public void FreeUnheld()
    {
        _inputs.Trim();
        _forward.Trim();
        if (_other is { IsFree: true })
        {
            _other.Trim();
        }

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
        _inputs.GiveBackMemory();
        Lane.GiveBackMemory(held);
    }

    /// <summary>Notes how the computation went, once it is over.</summary>
    private void EndComputation()
    {
        CuResult reached = Lane.Done.Query();
        if (reached == CuResult.NotReady)
        {
            return;
        }

        ForwardException? failure =
            reached == CuResult.Success ? Lane.Failure.Remove() : _health.Explain(new CudaException(reached, "completion of a forward"));
        Lane.Completed(succeeded: failure is null);
        _forward.EndComputation(failure);
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
            _forward.Fail(failed);
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
                _forward.Start();
                Lane.Forward(new HostSide(_inputs, _forward), _settings);
                return;
            }
            catch (ForwardException full) when (IsFullOfOwn(full))
            {
                _runs--;
                GiveBackOwn();
            }
            catch (ForwardException failed) when (MayRunAgain(failed))
            {
                ForgetShapes();
            }
        }
    }

    private static bool IsAnyStale(ReadOnlySpan<DeviceTensor> inputs)
    {
        foreach (ref readonly DeviceTensor input in inputs)
        {
            if (input.IsStale)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Waits until the forward is computed, and computes it again where that is due: strings are read where the caller has
    /// them, which is so only while it is submitted.</summary>
    private void Finish()
    {
        while (!_forward.IsComputed)
        {
            Lane.WaitUntilIdle();
            Poll(0);
        }
    }

    private bool IsFullOfOwn(ForwardException failed) => failed.Kind == FailureKind.OutOfDeviceMemory && !_hasGivenBack;

    /// <summary>The lane's own contexts keep buffers of former shapes, which nobody else can ask for while it is at work.</summary>
    private void GiveBackOwn()
    {
        _hasGivenBack = true;
        WhenIdle(static lane => lane.GiveBackMemory(held: null));
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
}
