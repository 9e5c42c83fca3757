using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>One entry of <c>inputs</c>; its members come in any order, so the data is only located and read later.</summary>
internal struct InputScan()
{
    public string? Name { get; set; }

    public string? Datatype { get; set; }

    public TensorShape? Shape { get; set; }

    /// <summary>Where the value of <c>data</c> begins in the JSON; -1: there is none.</summary>
    public int DataPosition { get; set; } = -1;

    public ulong? BinarySize { get; set; }

    public bool SharedMemory { get; set; }

    /// <summary>Name, type and shape, once it is sure that all are there and exactly one source of data is.</summary>
    public readonly (string Name, ElementType Type, TensorShape Shape) Described()
    {
        string name = Name ?? throw RequestValue.Missing("name");
        TensorShape shape = Shape ?? throw RequestValue.Missing("shape");
        string datatype = Datatype ?? throw RequestValue.Missing("datatype");
        if (!ElementTypes.TryParse(datatype, out ElementType type))
        {
            throw ProtocolException.Bad($"invalid datatype for input {name}");
        }

        int sources = (DataPosition >= 0 ? 1 : 0) + (BinarySize is null ? 0 : 1) + (SharedMemory ? 1 : 0);
        return sources != 1 ? throw OneSource(sources == 0 ? "no field" : $"{sources} fields")
            : SharedMemory ? throw RequestValue.SharedMemory()
            : (name, type, shape);
    }

    public static ProtocolException OneSource(string found) =>
        ProtocolException.Bad(
            $"Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But {found} is set"
        );
}
