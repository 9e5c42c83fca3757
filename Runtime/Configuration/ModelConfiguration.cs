using System.Text.Json;
using Google.Protobuf;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Configuration;

/// <summary>The configuration of a model version, completed from the model and held against it: what callers see, and how that becomes what
/// the model takes. Immutable.</summary>
public sealed class ModelConfiguration
{
    private readonly ModelConfig _message;
    private readonly Dictionary<string, TensorReshape> _reshapes = new(StringComparer.Ordinal);
    private readonly IReadOnlyDictionary<int, int>? _lanes;

    private ModelConfiguration(ModelConfig message, ModelFacts facts, GivenConfiguration? given, IReadOnlyDictionary<int, int>? lanes)
    {
        (_message, _lanes) = (message, lanes);
        (Inputs, Outputs) = ConfigurationCompletion.Complete(message, facts);
        HidesOutputs = Outputs.Count < facts.Outputs.Count;
        OutsideBatch = message
            .Input.Where((input, index) => MaxBatchSize > 0 && Inputs[index].Shape.Rank == input.Dims.Count)
            .Select(input => input.Name)
            .ToHashSet(StringComparer.Ordinal);
        Queue = new QueuePolicy(message.DynamicBatching);
        foreach (ModelInput input in message.Input.Where(input => input.Reshape is not null))
        {
            bool isBatched = MaxBatchSize > 0 && !OutsideBatch.Contains(input.Name);
            _reshapes[input.Name] = new TensorReshape([.. input.Dims], [.. input.Reshape.Shape], isBatched);
        }

        foreach (ModelOutput output in message.Output.Where(output => output.Reshape is not null))
        {
            _reshapes[output.Name] = new TensorReshape([.. output.Reshape.Shape], [.. output.Dims], MaxBatchSize > 0);
        }

        Labels = given?.ReadLabels() ?? new Dictionary<string, IReadOnlyList<string>>();
    }

    /// <summary>Most entries along the first dimension; 0: the first dimension is not a batch.</summary>
    public int MaxBatchSize => _message.MaxBatchSize;

    /// <summary>Inputs as callers give them, shapes whole: with a batch they begin with -1.</summary>
    public IReadOnlyList<TensorSpec> Inputs { get; }

    /// <summary>Names of inputs whose first dimension is no batch, though <see cref="MaxBatchSize"/> is above 0.</summary>
    public IReadOnlySet<string> OutsideBatch { get; }

    /// <summary>Outputs as callers get them.</summary>
    public IReadOnlyList<TensorSpec> Outputs { get; }

    /// <summary>The model has outputs that callers get only under other names, or not at all: who wants all gets
    /// <see cref="Outputs"/>.</summary>
    public bool HidesOutputs { get; }

    /// <summary>Names of the classes of an output, in order of their index.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Labels { get; private init; }

    /// <summary>How requests wait.</summary>
    public QueuePolicy Queue { get; }

    /// <summary>Calls of it that run at once on a device that has it.</summary>
    public int LanesOn(int ordinal) =>
        _lanes?.GetValueOrDefault(ordinal, 1) ?? Math.Min(InstancePlacement.MaxCount, _message.InstanceGroup.Sum(group => group.Count));

    /// <summary>Labels of the model's metric series.</summary>
    public IReadOnlyDictionary<string, string> MetricTags => _message.MetricTags;

    /// <summary>Completes what was given, or everything where nothing was.</summary>
    /// <param name="module">The model as it was loaded.</param>
    /// <param name="file">Its file's name.</param>
    /// <param name="devices">Where it is loaded; none where that is not known.</param>
    /// <param name="lanes">Most lanes of each device, where no instance group says it.</param>
    /// <param name="defaultMaxBatchSize">Of a model that can be batched and whose configuration leaves it to the model.</param>
    /// <exception cref="ModuleLoadException">It contradicts the model, or names a file that is not there.</exception>
    public static ModelConfiguration Of(
        GivenConfiguration? given,
        ModuleSpec module,
        string file,
        IReadOnlyList<DeviceDescription> devices,
        int lanes,
        int defaultMaxBatchSize
    )
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(devices);
        var facts = new ModelFacts(module.Model.Name, module.Platform, file, module.Inputs, module.Outputs, defaultMaxBatchSize);
        ModelConfig message = given?.Message.Clone() ?? new ModelConfig();
        InstanceDefaults.Complete(message, facts.Name, devices, lanes);
        return new ModelConfiguration(message, facts, given, devices.Count > 0 ? given?.LanesOn(devices) : null);
    }

    /// <summary>Calls to make before the model is ready, as callers would make them; each is made when it is asked for.</summary>
    /// <param name="given">What this was completed from.</param>
    /// <exception cref="ModuleLoadException">One does not fit the model, or its file is missing or short.</exception>
    public IEnumerable<WarmupRequest> WarmupOf(GivenConfiguration? given) =>
        given is null ? [] : WarmupRequests.Of(_message, Inputs, given.ReadWarmup);

    /// <summary>An input as the model takes it.</summary>
    /// <exception cref="ForwardException">It has a shape that the configuration has no place for.</exception>
    public Tensor ToModel(Tensor input)
    {
        ArgumentNullException.ThrowIfNull(input);
        return Reshaped(input);
    }

    /// <summary>An output as callers get it.</summary>
    /// <exception cref="ForwardException">The model gave a shape that the configuration has no place for.</exception>
    public Tensor FromModel(Tensor output)
    {
        ArgumentNullException.ThrowIfNull(output);
        return Reshaped(output);
    }

    /// <summary>Whether <see cref="ToModel"/> or <see cref="FromModel"/> changes anything.</summary>
    public bool Reshapes => _reshapes.Count > 0;

    /// <summary>Writes it as Triton does: every key but those of features that are off.</summary>
    public void WriteJson(Utf8JsonWriter writer) => JsonFormWriter.Write(writer, ModelConfig.Descriptor, _message.ToByteArray());

    /// <summary>All that another node needs to see and check it as this one does.</summary>
    public byte[] ToBytes()
    {
        using var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        byte[] message = _message.ToByteArray();
        writer.Write(message.Length);
        writer.Write(message);
        writer.Write(Labels.Count);
        foreach ((string output, IReadOnlyList<string> labels) in Labels)
        {
            writer.Write(output);
            writer.Write(labels.Count);
            foreach (string label in labels)
            {
                writer.Write(label);
            }
        }

        writer.Flush();
        return bytes.ToArray();
    }

    /// <summary>What <see cref="ToBytes"/> has written on another node.</summary>
    /// <param name="module">The model as that node says that it is.</param>
    /// <exception cref="ModuleLoadException">It is not that, or does not fit the model.</exception>
    public static ModelConfiguration FromBytes(byte[] bytes, ModuleSpec module)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        ArgumentNullException.ThrowIfNull(module);
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes));
            ModelConfig message = ModelConfig.Parser.ParseFrom(reader.ReadBytes(reader.ReadInt32()));
            var labels = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
            for (int outputs = reader.ReadInt32(); outputs > 0; outputs--)
            {
                string output = reader.ReadString();
                var names = new List<string>();
                for (int count = reader.ReadInt32(); count > 0; count--)
                {
                    names.Add(reader.ReadString());
                }

                labels[output] = names;
            }

            var facts = new ModelFacts(
                module.Model.Name,
                module.Platform,
                message.DefaultModelFilename,
                module.Inputs,
                module.Outputs,
                message.MaxBatchSize
            );
            return new ModelConfiguration(message, facts, given: null, lanes: null) { Labels = labels };
        }
        catch (Exception broken)
            when (broken is IOException or InvalidProtocolBufferException or FormatException or ArgumentException or OverflowException)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The configuration of model '{module.Model}' came broken from another node: {broken.Message}",
                broken
            );
        }
    }

    private Tensor Reshaped(Tensor tensor)
    {
        if (!_reshapes.TryGetValue(tensor.Name, out TensorReshape? reshape))
        {
            return tensor;
        }

        return reshape.TryMap(tensor.Shape, out TensorShape shape)
            ? tensor with
            {
                Shape = shape,
            }
            : throw new ForwardException(
                FailureKind.BackendFailed,
                $"The tensor '{tensor.Name}' has the shape {tensor.Shape}, which its configured reshape does not fit. Correct reshape in the configuration."
            );
    }
}
