using System.Runtime.InteropServices;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Http.V2;

/// <summary>What one pass over a request's JSON has found; of a repeated member the first counts.</summary>
/// <remarks>Kept per thread and used again, because every request needs one for a few microseconds: <see cref="Rent"/>, then dispose.
/// <b>Thread</b> the one that rented it.</remarks>
internal sealed class RequestScan : IDisposable
{
    /// <summary>More than this is not kept: one odd request must not hold memory for ever.</summary>
    private const int KeptEntries = 64;

    [ThreadStatic]
    private static RequestScan? _kept;

    private readonly List<InputScan> _inputs = [];
    private readonly List<string> _outputs = [];
    private readonly List<OutputForm> _forms = [];
    private readonly List<InferParameter> _parameters = [];

    public string Id { get; set; } = "";

    /// <summary>The id's own bytes where they are not what <see cref="Id"/> would be written as.</summary>
    public byte[]? RawId { get; set; }

    public bool BinaryByDefault { get; set; }

    /// <summary>Parameter <c>timeout</c>; 0: none.</summary>
    public ulong TimeoutMicroseconds { get; set; }

    /// <summary>Parameter <c>priority</c>; 0: the default level.</summary>
    public ulong Priority { get; set; }

    public ReadOnlySpan<InputScan> Inputs => CollectionsMarshal.AsSpan(_inputs);

    /// <summary>Names of the outputs wanted, each once.</summary>
    public List<string> Outputs => _outputs;

    /// <summary>How each of <see cref="Outputs"/> is wanted.</summary>
    public List<OutputForm> Forms => _forms;

    public List<InferParameter> Parameters => _parameters;

    public static RequestScan Rent()
    {
        RequestScan scan = _kept ?? new RequestScan();
        _kept = null;
        return scan;
    }

    public void Add(in InputScan input) => _inputs.Add(input);

    public void Dispose()
    {
        if (_inputs.Capacity <= KeptEntries && _outputs.Capacity <= KeptEntries && _parameters.Capacity <= KeptEntries)
        {
            (Id, RawId, BinaryByDefault, TimeoutMicroseconds, Priority) = ("", null, false, 0, 0);
            _inputs.Clear();
            _outputs.Clear();
            _forms.Clear();
            _parameters.Clear();
            _kept = this;
        }
    }
}
