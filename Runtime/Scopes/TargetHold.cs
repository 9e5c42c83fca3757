namespace Troupe.Runtime.Scopes;

/// <summary>Keeps some modules for one change of their modes: others that concern one of them wait, and no others.</summary>
/// <remarks>Gates are entered in one order, so that two changes never wait for each other. <b>Thread</b> the one that began. <b>Blocks</b>
/// until the modules are free of other changes.</remarks>
internal readonly ref struct TargetHold
{
    private readonly TargetModes[] _held;

    public TargetHold(IEnumerable<TargetModes> targets)
    {
        _held = [.. targets.Distinct().OrderBy(target => target.Number)];
        foreach (TargetModes target in _held)
        {
            target.Gate.Enter();
        }
    }

    public void Dispose()
    {
        for (int index = _held.Length - 1; index >= 0; index--)
        {
            _held[index].Gate.Exit();
        }
    }
}
