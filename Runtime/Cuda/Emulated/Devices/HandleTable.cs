namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>Turns handles into objects without a lock and without a dictionary; a handle of another kind or of an earlier generation finds
/// nothing.</summary>
/// <remarks><b>Owns</b> the slots, not the objects. <b>Thread</b> any: finding is one volatile read, adding and removing take a lock.
/// <b>Blocks</b> never for long.</remarks>
internal sealed class HandleTable<T>(byte kind)
    where T : EmulatedObject
{
    private const int IndexBits = 20;
    private const int GenerationBits = 24;
    private const int IndexMask = (1 << IndexBits) - 1;

    private readonly Lock _gate = new();
    private readonly Stack<int> _free = new();
    private T?[] _slots = new T?[16];
    private uint[] _generations = new uint[16];
    private int _used;

    public nint Add(T value)
    {
        lock (_gate)
        {
            if (!_free.TryPop(out int index))
            {
                index = _used++;
                if (index > IndexMask)
                {
                    throw new InvalidOperationException($"More than {IndexMask} live {typeof(T).Name} handles.");
                }

                if (index == _slots.Length)
                {
                    Grow();
                }
            }

            uint generation = ++_generations[index] & ((1u << GenerationBits) - 1);
            nint handle = (nint)(((long)kind << (IndexBits + GenerationBits)) | ((long)generation << IndexBits) | (uint)index);
            value.Attach(handle);
            Volatile.Write(ref _slots[index], value);
            return handle;
        }
    }

    public T? Find(nint handle)
    {
        T?[] slots = Volatile.Read(ref _slots);
        int index = (int)handle & IndexMask;
        if ((uint)index >= (uint)slots.Length)
        {
            return null;
        }

        T? value = slots[index];
        return value is not null && value.Handle == handle && handle != 0 ? value : null;
    }

    /// <summary>Takes the object out, or returns null when somebody else did: the caller that gets it is the one that destroys
    /// it.</summary>
    public T? Remove(nint handle)
    {
        lock (_gate)
        {
            T? value = Find(handle);
            if (value is null)
            {
                return null;
            }

            int index = (int)handle & IndexMask;
            value.Detach();
            Volatile.Write(ref _slots[index], null);
            _free.Push(index);
            return value;
        }
    }

    /// <summary>A copy of what is alive now, for tear-down and leak reports.</summary>
    public List<T> Alive()
    {
        lock (_gate)
        {
            var alive = new List<T>();
            foreach (T? value in _slots)
            {
                if (value is not null)
                {
                    alive.Add(value);
                }
            }

            return alive;
        }
    }

    private void Grow()
    {
        var slots = new T?[_slots.Length * 2];
        _slots.CopyTo(slots, 0);
        Array.Resize(ref _generations, slots.Length);
        Volatile.Write(ref _slots, slots);
    }
}
