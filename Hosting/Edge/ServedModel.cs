using System.Text.Json;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Models;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Hosting.Edge;

/// <summary>One version of a model as clients of the V2 protocol see it: tensors, batching, metadata and configuration.
/// Immutable.</summary>
internal sealed class ServedModel
{
    /// <param name="devices">Of the whole cluster.</param>
    /// <param name="here">Ordinals of this node's devices among them.</param>
    /// <param name="maxBatchSize">Of a model that can be batched and says no more.</param>
    /// <param name="configuration">As the node has it on which it is loaded; null where that is another: then as for a model without
    /// one.</param>
    public ServedModel(ModelSnapshot snapshot, int devices, int[] here, int maxBatchSize, ModelConfiguration? configuration = null)
    {
        Snapshot = snapshot;
        Devices = devices;
        Here = here;
        Own = configuration;
        Configuration = configuration ?? Unknown(snapshot, devices, maxBatchSize);
        AtOnce = here.Sum(ordinal => (long)Configuration.LanesOn(ordinal));
        Contract = new InferContract
        {
            Model = Name,
            Version = Number,
            MaxBatchSize = MaxBatchSize,
            Inputs = Inputs,
            Outputs = Outputs,
            OutsideBatch = Configuration.OutsideBatch,
            Labels = Configuration.Labels,
        };
    }

    /// <summary>Forwards of it that this node's devices run at once.</summary>
    public long AtOnce { get; }

    /// <summary>How it is configured, completed from the model.</summary>
    public ModelConfiguration Configuration { get; }

    /// <summary>The configuration that this node has of it; null where another node has it.</summary>
    public ModelConfiguration? Own { get; }

    public ModelSnapshot Snapshot { get; }

    public string Name => Snapshot.Model.Name;

    public int Number => Snapshot.Model.Number;

    public IReadOnlyList<TensorSpec> Inputs => Configuration.Inputs;

    public IReadOnlyList<TensorSpec> Outputs => Configuration.Outputs;

    /// <summary>Devices of the whole cluster that admit forwards for it.</summary>
    public int Devices { get; }

    /// <summary>Ordinals of this node's devices among them.</summary>
    public int[] Here { get; }

    /// <summary>Most entries along the first dimension; 0: the first dimension is not a batch.</summary>
    public int MaxBatchSize => Configuration.MaxBatchSize;

    /// <summary>What requests are checked against.</summary>
    public InferContract Contract { get; }

    /// <summary>What is valid for one is for the other.</summary>
    public bool IsLike(ServedModel other) =>
        ReferenceEquals(this, other)
        || (
            MaxBatchSize == other.MaxBatchSize
            && Inputs.SequenceEqual(other.Inputs)
            && Outputs.SequenceEqual(other.Outputs)
            && Configuration.OutsideBatch.SetEquals(other.Configuration.OutsideBatch)
        );

    /// <summary>Entries of a request: the first dimension of what is given of the batch, else one.</summary>
    public long EntriesOf(IReadOnlyList<Tensor> inputs)
    {
        for (int index = 0; MaxBatchSize > 0 && index < inputs.Count; index++)
        {
            if (!Configuration.OutsideBatch.Contains(inputs[index].Name))
            {
                return inputs[index].Shape[0];
            }
        }

        return 1;
    }

    /// <summary>Inputs as the model takes them.</summary>
    /// <exception cref="ForwardException">One has a shape that the configuration has no place for.</exception>
    public Tensor[] ToModel(Tensor[] inputs) => Configuration.Reshapes ? Array.ConvertAll(inputs, Configuration.ToModel) : inputs;

    /// <summary>Outputs to ask the model for; none: all that it has.</summary>
    public string[] OutputsOf(string[] asked) =>
        asked.Length == 0 && Configuration.HidesOutputs ? [.. Outputs.Select(output => output.Name)] : asked;

    /// <summary>A reply as callers get it; where that is a failure, its outputs are released.</summary>
    public ForwardReply FromModel(ForwardReply.Succeeded reply)
    {
        try
        {
            return Configuration.Reshapes ? reply with { Outputs = Array.ConvertAll(reply.Outputs, Configuration.FromModel) } : reply;
        }
        catch (ForwardException unfit)
        {
            reply.Outputs.Release();
            return new ForwardReply.Failed(reply.Id, unfit.Kind, unfit.Message);
        }
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

    private static ModelConfiguration Unknown(ModelSnapshot snapshot, int devices, int maxBatchSize)
    {
        var module = new ModuleSpec(snapshot.Model, snapshot.Platform, snapshot.Inputs, snapshot.Outputs, [], snapshot.SafeToResend);
        string file = RepositoryFiles.NameFor(snapshot.Platform) ?? "";
        return ModelConfiguration.Of(given: null, module, file, devices: [], devices, maxBatchSize);
    }

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
