using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Gpu;

/// <summary>The forwards that wait for a GPU, by level: the highest goes first, and within a level the one that came first; one in
/// <see cref="OneInBelow"/> comes from below, so that no level starves. Batch has no part in that: it goes when nothing online
/// can.</summary>
/// <remarks>From its middle a cancelled forward can be taken. The links live in the notes of the forwards: nothing is allocated for
/// one.</remarks>
internal sealed class ForwardQueue
{
    /// <summary>After seven that went past lower ones, one of those goes.</summary>
    public const int OneInBelow = 8;

    private readonly Row[] _online = new Row[ForwardPriority.Levels];
    private Row _batch;
    private long _added;
    private int _passedOver;

    public int Count { get; private set; }

    public void Add(GpuForward forward)
    {
        forward.Order = _added++;
        RowOf(forward).Add(forward);
        Count++;
    }

    public void Remove(GpuForward forward)
    {
        RowOf(forward).Remove(forward);
        Count--;
    }

    /// <summary>Takes the forward out that goes next; null when none may.</summary>
    /// <param name="mayGo">False for one that stands behind a barrier: it lets others pass.</param>
    public GpuForward? Take(Predicate<GpuForward> mayGo)
    {
        int level = 0;
        GpuForward? next = FirstFrom(ref level, mayGo);
        if (next is null)
        {
            next = _batch.First(mayGo);
        }
        else if (OldestBelow(level, mayGo) is { } below)
        {
            bool isTurn = ++_passedOver == OneInBelow;
            _passedOver %= OneInBelow;
            next = isTurn ? below : next;
        }

        if (next is not null)
        {
            Remove(next);
        }

        return next;
    }

    /// <summary>The first that may go, from this level downwards, and which level that is.</summary>
    private GpuForward? FirstFrom(ref int level, Predicate<GpuForward> mayGo)
    {
        for (; level < _online.Length; level++)
        {
            if (_online[level].First(mayGo) is { } first)
            {
                return first;
            }
        }

        return null;
    }

    private GpuForward? OldestBelow(int level, Predicate<GpuForward> mayGo)
    {
        GpuForward? oldest = null;
        for (int lower = level + 1; lower < _online.Length; lower++)
        {
            if (_online[lower].First(mayGo) is { } first && (oldest is null || first.Order < oldest.Order))
            {
                oldest = first;
            }
        }

        return oldest;
    }

    private ref Row RowOf(GpuForward forward)
    {
        if (forward.Admitted.Class == ForwardClass.Batch)
        {
            return ref _batch;
        }

        return ref _online[ForwardPriority.Level(forward.Admitted.Priority) - 1];
    }

    /// <summary>First in, first out.</summary>
    private struct Row
    {
        private GpuForward? _first;
        private GpuForward? _last;

        public readonly GpuForward? First(Predicate<GpuForward> mayGo)
        {
            GpuForward? forward = _first;
            while (forward is not null && !mayGo(forward))
            {
                forward = forward.Next;
            }

            return forward;
        }

        public void Add(GpuForward forward)
        {
            forward.Previous = _last;
            forward.Next = null;
            if (_last is { } last)
            {
                last.Next = forward;
            }
            else
            {
                _first = forward;
            }

            _last = forward;
        }

        public void Remove(GpuForward forward)
        {
            if (forward.Previous is { } previous)
            {
                previous.Next = forward.Next;
            }
            else
            {
                _first = forward.Next;
            }

            if (forward.Next is { } next)
            {
                next.Previous = forward.Previous;
            }
            else
            {
                _last = forward.Previous;
            }

            forward.Previous = forward.Next = null;
        }
    }
}
