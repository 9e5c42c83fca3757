namespace Troupe.Runtime.Modules;

/// <summary>Consecutive places, walked without an allocation.</summary>
internal readonly record struct IndexRange<TIndex>(int First, int Count)
    where TIndex : struct, IIndex<TIndex>
{
    public bool Contains(TIndex index) => (uint)(index.Value - First) < (uint)Count;

    public Enumerator GetEnumerator() => new(First - 1, First + Count);

    internal struct Enumerator(int at, int end)
    {
        private int _at = at;

        public readonly TIndex Current => TIndex.Of(_at);

        public bool MoveNext() => ++_at < end;
    }
}
