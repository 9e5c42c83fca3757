namespace Troupe.Actors.Decisions;

/// <summary>What a core has decided and its shell has not done yet, oldest first: a decision leaves once it was applied, so that one that
/// throws takes none with it, and what stands here outlives a restart of the actor.</summary>
/// <remarks><b>Owns</b> the decisions. <b>Thread</b> its actor's. <b>Blocks</b> never.</remarks>
internal sealed class DecisionQueue<TDecision, TShell>
    where TDecision : IDecision<TShell>
    where TShell : IShell<TDecision>
{
    private readonly Queue<(TDecision Decision, bool IsRepeated)> _pending = new();
    private bool _isApplying;

    public int Count => _pending.Count;

    public void Add(TDecision decision) => _pending.Enqueue((decision, false));

    /// <summary>Puts a decision behind those that stand, in place of the one that has just failed; false when that was such a second try
    /// itself. Only for what had no effect when it threw, and only from <see cref="IShell{TDecision}.Failed"/>.</summary>
    public bool TryRepeat(TDecision decision)
    {
        if (_pending.Peek().IsRepeated)
        {
            return false;
        }

        _pending.Enqueue((decision, true));
        return true;
    }

    /// <summary>Applies all, those included that are added meanwhile. One that throws is handed to
    /// <see cref="IShell{TDecision}.Failed"/> and those behind it are still applied.</summary>
    public void ApplyTo(TShell shell)
    {
        if (_isApplying)
        {
            // What a decision brings about is applied behind it.
            return;
        }

        _isApplying = true;
        try
        {
            while (_pending.TryPeek(out (TDecision Decision, bool IsRepeated) head))
            {
                try
                {
                    Apply(head.Decision, shell);
                }
                finally
                {
                    _pending.Dequeue();
                }
            }
        }
        finally
        {
            _isApplying = false;
        }
    }

    private static void Apply(TDecision decision, TShell shell)
    {
        try
        {
            decision.ApplyTo(shell);
        }
        catch (Exception exception)
        {
            shell.Failed(decision, exception);
        }
    }
}
