using System.Runtime.InteropServices;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

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

/// <summary>One entry of <c>inputs</c>; its members come in any order, so the data is only located and read later.</summary>
internal struct InputScan()
{
    public string? Name { get; set; }

    public string? Datatype { get; set; }

    public TensorShape? Shape { get; set; }

    /// <summary>Where the value of <c>data</c> begins in the JSON; -1: there is none.</summary>
    public int DataPosition { get; set; } = -1;

    /// <summary>-1: not given.</summary>
    public long BinarySize { get; set; } = -1;

    public bool SharedMemory { get; set; }

    /// <summary>Name, type and shape, once it is sure that all are there and exactly one source of data is.</summary>
    public readonly (string Name, ElementType Type, TensorShape Shape) Described()
    {
        string name = Name ?? throw InferRequestReader.Missing("name");
        TensorShape shape = Shape ?? throw InferRequestReader.Missing("shape");
        string datatype = Datatype ?? throw InferRequestReader.Missing("datatype");
        if (!ElementTypes.TryParse(datatype, out ElementType type))
        {
            throw ProtocolException.Bad($"invalid datatype for input {name}");
        }

        int sources = (DataPosition >= 0 ? 1 : 0) + (BinarySize >= 0 ? 1 : 0) + (SharedMemory ? 1 : 0);
        return sources != 1 ? throw OneSource(sources == 0 ? "no field" : $"{sources} fields")
            : SharedMemory ? throw InferRequestReader.SharedMemory()
            : (name, type, shape);
    }

    public static ProtocolException OneSource(string found) =>
        ProtocolException.Bad(
            $"Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But {found} is set"
        );
}
