namespace Troupe.Actors.Decisions;

/// <summary>One thing that a core wants done: the form of every decision in every core.</summary>
/// <remarks>A value where it is taken for every forward, so that deciding allocates nothing; a closed family of records
/// elsewhere.</remarks>
/// <typeparam name="TShell">What it may ask of whoever does it: an actor in service, a simulation in tests.</typeparam>
internal interface IDecision<in TShell>
{
    void ApplyTo(TShell shell);
}
