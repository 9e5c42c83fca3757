using System.Diagnostics.CodeAnalysis;

namespace Troupe.Runtime.Memory;

/// <summary>The idle blocks of one size, last used first.</summary>
/// <remarks><b>Owns</b> them. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class HostShelf
{
    private readonly Lock _lock = new();
    private readonly Stack<HostBlock> _idle = new();

    /// <summary>Fewest that lay here since the last <see cref="Unused"/>: nobody needed those.</summary>
    private int _fewest;

    public bool TryTake([MaybeNullWhen(false)] out HostBlock block)
    {
        lock (_lock)
        {
            bool found = _idle.TryPop(out block);
            _fewest = Math.Min(_fewest, _idle.Count);
            return found;
        }
    }

    public void Add(HostBlock block)
    {
        lock (_lock)
        {
            _idle.Push(block);
        }
    }

    /// <summary>Takes out as many as were not needed since it was last asked; all that are idle where <paramref name="all"/>.</summary>
    public HostBlock[] Unused(bool all)
    {
        lock (_lock)
        {
            HostBlock[] unused = all || _fewest > 0 ? new HostBlock[all ? _idle.Count : _fewest] : [];
            for (int i = 0; i < unused.Length; i++)
            {
                unused[i] = _idle.Pop();
            }

            _fewest = _idle.Count;
            return unused;
        }
    }
}
