namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The last steps of a run in words, for the message of a failure.</summary>
internal sealed class StepTrace
{
    private const int Kept = 60;

    private readonly Queue<string> _lines = new();

    public int Step { get; set; }

    /// <summary>What the driver has to say about work that went wrong; taken down before the driver goes.</summary>
    public string Reported { get; set; } = "";

    public void Add(string line)
    {
        _lines.Enqueue($"{Step}: {line}");
        if (_lines.Count > Kept)
        {
            _lines.Dequeue();
        }
    }

    public override string ToString() => string.Join(Environment.NewLine, _lines);
}
