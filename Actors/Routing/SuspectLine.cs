using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>The suspects of one model: one after another, each alone, on one device at a time.</summary>
/// <remarks>Knows no Akka. <b>Owns</b> their order. <b>Thread</b> its router's.</remarks>
internal sealed class SuspectLine(ModelVersion model)
{
    /// <summary>Forwards that are accepted while so many wait are refused; those that have run already are taken all the same.</summary>
    public const int Limit = 256;

    /// <summary>How long the device of a confined model may be away before another takes its place: it is rebuilt in less.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly LinkedList<PendingForward> _waiting = new();
    private GpuId? _confinedTo;
    private TimeSpan? _awaySince;
    private bool _isPaused;

    public ModelVersion Model { get; } = model;

    /// <summary>The one that runs.</summary>
    public PendingForward? UnderWay { get; private set; }

    /// <summary>The device here that the line runs on; null when it runs elsewhere.</summary>
    public LocalGpu? Gpu { get; private set; }

    /// <summary>Those that wait for their turn.</summary>
    public IReadOnlyCollection<PendingForward> Waiting => _waiting;

    public bool IsFull => _waiting.Count >= Limit;

    public void Add(PendingForward pending) => pending.Turn = _waiting.AddLast(pending);

    /// <summary>The next one, which may start now; null while another runs, or when there is none.</summary>
    public PendingForward? Next() => UnderWay is null && !_isPaused ? _waiting.First?.Value : null;

    /// <summary>It found no place: it waits for <see cref="Resume"/>.</summary>
    public void Pause() => _isPaused = true;

    /// <summary>Looks again, also where it was sent back from.</summary>
    public void Resume()
    {
        if (_isPaused)
        {
            foreach (PendingForward pending in _waiting)
            {
                pending.Bounced = null;
            }
        }

        _isPaused = false;
    }

    /// <summary>The next one lets all others pass.</summary>
    public void Postpone()
    {
        LinkedListNode<PendingForward> first = _waiting.First!;
        _waiting.Remove(first);
        _waiting.AddLast(first);
    }

    /// <summary>One that waits leaves the line without running; at once, for it holds its inputs.</summary>
    public static void Leave(PendingForward pending)
    {
        if (pending.Turn is { } turn)
        {
            turn.List!.Remove(turn);
            pending.Turn = null;
        }
    }

    /// <summary>The next one runs.</summary>
    public void Start(LocalGpu? gpu)
    {
        UnderWay = _waiting.First!.Value;
        Leave(UnderWay);
        Occupy(gpu);
    }

    /// <summary>An attempt has ended, or nobody waits for it any more.</summary>
    public void End(PendingForward pending)
    {
        if (UnderWay == pending)
        {
            UnderWay = null;
        }
    }

    /// <summary>Nobody is left: the device takes others again.</summary>
    public bool TryClose()
    {
        if (UnderWay is not null || _waiting.Count > 0)
        {
            return false;
        }

        Occupy(null);
        return true;
    }

    /// <summary>Whether the device that the model is confined to is away and expected back; notes the one that takes its place when it has
    /// been away for long.</summary>
    /// <param name="found">The device that would be chosen now.</param>
    public bool IsAwaited(GpuId? found, TimeSpan now)
    {
        if (_confinedTo is null || found == _confinedTo)
        {
            _confinedTo = found;
            _awaySince = null;
            return false;
        }

        _awaySince ??= now;
        if (now - _awaySince < Patience)
        {
            return true;
        }

        _confinedTo = found;
        _awaySince = null;
        return false;
    }

    /// <summary>Another forward of this content has succeeded.</summary>
    public void Acquit(ForwardContent content)
    {
        foreach (PendingForward pending in UnderWay is { } running ? _waiting.Append(running) : _waiting)
        {
            if (pending.Notes is { } notes && notes.Content == content)
            {
                notes.MayBeGuilty = false;
            }
        }
    }

    private void Occupy(LocalGpu? gpu)
    {
        if (gpu != Gpu)
        {
            if (Gpu is { } former)
            {
                former.SuspectLines--;
            }

            if (gpu is not null)
            {
                gpu.SuspectLines++;
            }

            Gpu = gpu;
        }
    }
}
