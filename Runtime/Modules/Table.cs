namespace Troupe.Runtime.Modules;

/// <summary>One entry per tensor, segment or device, read with the place of that kind alone.</summary>
internal readonly struct Table<TIndex, T>(T[] items)
    where TIndex : struct, IIndex<TIndex>
{
    public Table(int count)
        : this(new T[count]) { }

    public int Count => items.Length;

    /// <summary>The entries in order, where their places do not matter.</summary>
    public T[] Items => items;

    public IndexRange<TIndex> Indices => new(0, items.Length);

    public ref T this[TIndex index] => ref items[index.Value];
}
