namespace Troupe.Actors.Decisions;

/// <summary>Whoever does what a core decides.</summary>
internal interface IShell<TDecision>
{
    /// <summary>Applying <paramref name="decision"/> threw: the shell logs it and asks its core to account for it, so that nobody waits for
    /// an answer that will not come.</summary>
    void Failed(in TDecision decision, Exception cause);
}
