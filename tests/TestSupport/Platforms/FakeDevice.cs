namespace Troupe.TestSupport.Platforms;

/// <summary>What is wrong with a fake device.</summary>
/// <remarks><b>Thread</b> any.</remarks>
internal sealed class FakeDevice
{
    private volatile string? _fault;

    /// <summary>A sticky error in words; set once, it stays.</summary>
    public string? Fault
    {
        get => _fault;
        set => _fault ??= value;
    }
}
