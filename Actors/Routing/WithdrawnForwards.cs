using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Routing;

/// <summary>An attempt that somebody may still run and nobody waits for.</summary>
/// <param name="Inputs">Borrowed, while a device here has it; null where another node does.</param>
/// <param name="Known">Its content where it is known already.</param>
/// <param name="Node">The node that has it; null: this one.</param>
internal sealed record WithdrawnForward(ModelVersion Model, Tensor[]? Inputs, ForwardContent? Known, bool WasLastRun, NodeId? Node)
{
    public ForwardContent Content => Known ?? ForwardContent.Of(Model, Inputs!);

    /// <summary>Its content is asked no more.</summary>
    public void Return() => Inputs?.Return();
}

/// <summary>Attempts that were given up: one that ends what runs it is held against its content, though its caller has gone.</summary>
/// <remarks>Knows no Akka; part of <see cref="Suspects"/> and of its thread. Devices here release each of theirs; of those elsewhere the
/// oldest make room. <b>Owns</b> its entries.</remarks>
internal sealed class WithdrawnForwards
{
    /// <summary>Of those elsewhere.</summary>
    public const int Limit = 1024;

    private readonly Dictionary<(RequestId Id, int Attempt), WithdrawnForward> _here = [];
    private readonly OrderedDictionary<(RequestId Id, int Attempt), WithdrawnForward> _elsewhere = [];

    public void Add(PendingForward pending)
    {
        if (pending.Model is not { } model)
        {
            return;
        }

        (RequestId, int) key = (pending.Forward.Id, pending.Attempt);
        Tensor[] inputs = pending.Forward.Inputs;
        ForwardContent? known = pending.Notes?.Content;
        if (pending.Gpu is not null && (known is not null || inputs.TryBorrow()))
        {
            _here[key] = new WithdrawnForward(model, known is null ? inputs : null, known, pending.IsLastRun, null);
        }
        else if (pending.Node is { } node)
        {
            if (_elsewhere.Count == Limit)
            {
                _elsewhere.RemoveAt(0);
            }

            // What travels is small: its hash costs less than its bytes.
            _elsewhere[key] = new WithdrawnForward(model, null, known ?? ForwardContent.Of(model, inputs), pending.IsLastRun, node.Id);
        }
    }

    /// <summary>It is over, one way or the other.</summary>
    public bool TryRemove(RequestId id, int attempt, [NotNullWhen(true)] out WithdrawnForward? withdrawn) =>
        _here.Remove((id, attempt), out withdrawn) || _elsewhere.Remove((id, attempt), out withdrawn);

    public void Clear()
    {
        foreach (WithdrawnForward withdrawn in _here.Values)
        {
            withdrawn.Return();
        }

        _here.Clear();
        _elsewhere.Clear();
    }

    /// <summary>Those that a node has, which is lost.</summary>
    public List<WithdrawnForward> RemoveAllOn(NodeId node)
    {
        var removed = new List<WithdrawnForward>();
        for (int i = _elsewhere.Count - 1; i >= 0; i--)
        {
            WithdrawnForward withdrawn = _elsewhere.GetAt(i).Value;
            if (withdrawn.Node == node)
            {
                removed.Add(withdrawn);
                _elsewhere.RemoveAt(i);
            }
        }

        return removed;
    }
}
