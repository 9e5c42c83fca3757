namespace Troupe.Actors.Gpu;

/// <summary>First-in first-out queue of a GPU from whose middle a cancelled forward can be taken; the links live in its notes.</summary>
internal sealed class ForwardQueue
{
    public GpuForward? First { get; private set; }

    private GpuForward? _last;

    public int Count { get; private set; }

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
            First = forward;
        }

        _last = forward;
        Count++;
    }

    public void Remove(GpuForward forward)
    {
        if (forward.Previous is { } previous)
        {
            previous.Next = forward.Next;
        }
        else
        {
            First = forward.Next;
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
        Count--;
    }
}
