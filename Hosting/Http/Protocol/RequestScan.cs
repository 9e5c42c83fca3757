using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.Protocol;

/// <summary>What one pass over a request's JSON has found; of a repeated member the first counts.</summary>
internal sealed class RequestScan
{
    public string Id { get; set; } = "";

    public bool BinaryByDefault { get; set; }

    public List<InputScan> Inputs { get; } = [];

    /// <summary>Names of the outputs wanted, each once.</summary>
    public List<string> Outputs { get; } = [];

    /// <summary>How each of <see cref="Outputs"/> is wanted.</summary>
    public List<OutputForm> Forms { get; } = [];

    /// <summary>Parameter <c>timeout</c>; 0: none.</summary>
    public ulong TimeoutMicroseconds { get; set; }

    /// <summary>Parameter <c>priority</c>; 0: the default level.</summary>
    public ulong Priority { get; set; }

    public List<InferParameter> Parameters { get; } = [];
}

/// <summary>One entry of <c>inputs</c>; its members come in any order, so the data is only located and read later.</summary>
internal sealed class InputScan
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
    public (string Name, ElementType Type, TensorShape Shape) Described()
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

    public static ProtocolException OneSource(string found) => ProtocolException.Bad(
        $"Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But {found} is set");
}
