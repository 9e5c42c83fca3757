using System.Text.Json;
using Troupe.Messages.Models;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Edge;

/// <summary>One version of a model as clients of the V2 protocol see it: tensors, batching, metadata and configuration.
/// Immutable.</summary>
internal sealed class ServedModel
{
    /// <param name="maxBatchSize">Of a model that can be batched and says no more.</param>
    public ServedModel(ModelSnapshot snapshot, int devices, int maxBatchSize)
    {
        Snapshot = snapshot;
        Devices = devices;
        MaxBatchSize = snapshot.Inputs.Where(input => !input.IsOptional).Concat(snapshot.Outputs).All(IsBatched) ? maxBatchSize : 0;
        Contract = new InferContract
        {
            Model = Name,
            Version = Number,
            MaxBatchSize = MaxBatchSize,
            Inputs = snapshot.Inputs,
            Outputs = snapshot.Outputs,
        };
    }

    public ModelSnapshot Snapshot { get; }

    public string Name => Snapshot.Model.Name;

    public int Number => Snapshot.Model.Number;

    public IReadOnlyList<TensorSpec> Inputs => Snapshot.Inputs;

    public IReadOnlyList<TensorSpec> Outputs => Snapshot.Outputs;

    /// <summary>Devices of the whole cluster that admit forwards for it.</summary>
    public int Devices { get; }

    /// <summary>Most entries along the first dimension; 0: the first dimension is not a batch.</summary>
    public int MaxBatchSize { get; }

    /// <summary>What requests are checked against.</summary>
    public InferContract Contract { get; }

    /// <summary>Entries of a request: the first dimension of what has to be given, where that is a batch, else one.</summary>
    public long EntriesOf(IReadOnlyList<Tensor> inputs)
    {
        for (int index = 0; MaxBatchSize > 0 && index < inputs.Count; index++)
        {
            if (Inputs.Any(spec => !spec.IsOptional && spec.Name == inputs[index].Name))
            {
                return inputs[index].Shape[0];
            }
        }

        return 1;
    }

    public void WriteMetadata(Utf8JsonWriter writer, IEnumerable<int> versions)
    {
        writer.WriteStartObject();
        writer.WriteString("name"u8, Name);
        writer.WriteStartArray("versions"u8);
        foreach (int version in versions)
        {
            writer.WriteStringValue(version.ToString(System.Globalization.CultureInfo.InvariantCulture));
        }

        writer.WriteEndArray();
        writer.WriteString("platform"u8, Snapshot.Platform);
        WriteTensors(writer, "inputs"u8, Inputs);
        WriteTensors(writer, "outputs"u8, Outputs);
        writer.WriteEndObject();
    }

    private static bool IsBatched(TensorSpec tensor) => tensor.Shape.Rank > 1 && tensor.Shape[0] == -1;

    private static void WriteTensors(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<TensorSpec> tensors)
    {
        writer.WriteStartArray(name);
        foreach (TensorSpec tensor in tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, tensor.Name);
            writer.WriteString("datatype"u8, tensor.Type.ProtocolName());
            writer.WriteStartArray("shape"u8);
            foreach (long dimension in tensor.Shape.Span)
            {
                writer.WriteNumberValue(dimension);
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
