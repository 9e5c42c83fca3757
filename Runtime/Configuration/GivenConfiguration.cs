using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;
using Scheduling = Troupe.Runtime.Configuration.ModelConfig.SchedulingChoiceOneofCase;

namespace Troupe.Runtime.Configuration;

/// <summary>A model's configuration as it was given, before the model is known: its bytes, what they say, and the files it names.
/// Immutable.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk where it reads a file.</remarks>
public sealed class GivenConfiguration
{
    private readonly string _repository;
    private readonly string _folder;
    private readonly IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? _held;

    private GivenConfiguration(
        string repository,
        string folder,
        ConfigurationText text,
        bool isJson,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>>? held = null
    )
    {
        (_repository, _folder, Path, Bytes, _held) = (repository, folder, text.Path, text.Bytes, held);
        Model = System.IO.Path.GetFileName(folder);
        Message = ConfigurationFile.Parse(text, isJson);
        RefuseOtherName();
    }

    /// <summary>The file, or what to call it where there is none.</summary>
    public string Path { get; }

    /// <summary>As it was given.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>The model's file in its version folders; empty where the back end's own name holds.</summary>
    public string ModelFile => Message.DefaultModelFilename;

    /// <summary>Who is to run it, in V2's words; empty where it says nothing.</summary>
    public string Platform => Message.Platform;

    internal ModelConfig Message { get; }

    private string Model { get; }

    /// <summary>Reads the configuration of a model's folder; null where it has none.</summary>
    /// <param name="repository">Where links may lead.</param>
    /// <exception cref="ModuleLoadException">It is no configuration, or one that cannot be served.</exception>
    public static GivenConfiguration? Read(string repository, string folder)
    {
        string text = System.IO.Path.Combine(folder, ConfigurationFile.Text),
            json = System.IO.Path.Combine(folder, ConfigurationFile.Json);
        if (((string[])[text, json]).FirstOrDefault(IsThere) is not { } found)
        {
            return null;
        }

        string path = RepositoryPath.Confine(repository, found, "The configuration");
        byte[] bytes = ConfigurationFile.Read(path, ConfigurationText.MaxBytes, "a configuration");
        return new GivenConfiguration(repository, folder, new ConfigurationText(path, bytes), isJson: path == json);
    }

    /// <summary>A configuration in its JSON form, in place of what a model's folder has.</summary>
    /// <inheritdoc cref="Read"/>
    /// <param name="bytes">The text.</param>
    public static GivenConfiguration OfJson(string repository, string folder, ReadOnlyMemory<byte> bytes) =>
        new(repository, folder, new ConfigurationText("the configuration of the load", bytes), isJson: true);

    /// <summary>A configuration in its JSON form, for a model whose files are held in memory.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="bytes">The text.</param>
    /// <param name="files">The files by name in the model's folder, of which it may name some.</param>
    /// <exception cref="ModuleLoadException">It is no configuration, or one that cannot be served.</exception>
    public static GivenConfiguration OfHeld(
        string model,
        ReadOnlyMemory<byte> bytes,
        IReadOnlyDictionary<string, ReadOnlyMemory<byte>> files
    ) => new("", model, new ConfigurationText("the configuration of the load", bytes), isJson: true, files);

    /// <summary>The versions that its policy has served, rising.</summary>
    /// <param name="present">Numbers of the version folders, rising.</param>
    /// <exception cref="ModuleLoadException">There are none.</exception>
    public IReadOnlyList<int> Versions(IReadOnlyList<int> present) => VersionChoice.Of(Model, Message.VersionPolicy, present);

    /// <summary>The path of the file that it names for a version.</summary>
    /// <exception cref="ModuleLoadException">It is outside of the version's folder, or not there.</exception>
    public string FileOf(string version)
    {
        string path = RepositoryPath.Resolve(_repository, version, ModelFile, $"default_model_filename of model '{Model}'");
        return File.Exists(path)
            ? path
            : throw new ModuleLoadException(
                FailureKind.NotFound,
                $"There is no file '{path}', which default_model_filename of model '{Model}' names. Add it, or leave default_model_filename out."
            );
    }

    /// <summary>Most lanes by ordinal of the devices that its instance groups name; null where it has none.</summary>
    /// <exception cref="ModuleLoadException">A group cannot be had here.</exception>
    public IReadOnlyDictionary<int, int>? LanesOn(IReadOnlyList<DeviceDescription> devices) =>
        InstancePlacement.Of(Model, Message.InstanceGroup, devices);

    /// <summary>Why the model cannot be served whatever it is: what nothing here does yet, by name; null where it can.</summary>
    public string? Refusal()
    {
        string? missing =
            Message.SchedulingChoiceCase == Scheduling.SequenceBatching ? "sequence_batching"
            : Message.SchedulingChoiceCase == Scheduling.EnsembleScheduling ? "ensemble_scheduling"
            : Message.Platform == "ensemble" ? "platform 'ensemble'"
            : Message.ModelTransactionPolicy is { Decoupled: true } ? "model_transaction_policy decoupled"
            : Message.BatchInput.Count + Message.BatchOutput.Count > 0 ? "batch_input or batch_output"
            : Message.ModelRepositoryAgents is { Agents.Count: > 0 } ? "model_repository_agents"
            : Message.ModelOperations is { OpLibraryFilename.Count: > 0 } ? "model_operations"
            : null;
        return missing is null
            ? null
            : $"model '{Model}' is configured with {missing}, which is not there yet. Leave it out to serve the model without.";
    }

    /// <summary>What is done otherwise than it says, for the log.</summary>
    public IEnumerable<string> Remarks()
    {
        if (Message.SchedulingChoiceCase == Scheduling.DynamicBatching)
        {
            yield return "dynamic_batching: its queue policies hold; requests are not put together, each is one launch.";
        }
    }

    internal IReadOnlyDictionary<string, IReadOnlyList<string>> ReadLabels()
    {
        var labels = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (ModelOutput output in Message.Output.Where(output => output.LabelFilename.Length > 0))
        {
            string owner = $"label_filename of output '{output.Name}' of model '{Model}'";
            labels[output.Name] = _held is null
                ? LabelFile.Read(RepositoryPath.Resolve(_repository, _folder, output.LabelFilename, owner))
                : LabelFile.Parse(Held(output.LabelFilename, owner).Span);
        }

        return labels;
    }

    internal ReadOnlyMemory<byte> ReadWarmup(string file, long count, bool isWhole)
    {
        string owner = $"model_warmup of model '{Model}'";
        if (_held is not null)
        {
            ReadOnlyMemory<byte> data = Held($"{WarmupRequests.Folder}/{file}", owner);
            return isWhole ? data : data[..(int)Math.Min(data.Length, count)];
        }

        string folder = System.IO.Path.Combine(_folder, WarmupRequests.Folder);
        string path = RepositoryPath.Resolve(_repository, folder, file, owner);
        const string What = "the data of a warm-up's input";
        return isWhole ? ConfigurationFile.Read(path, count, What) : ConfigurationFile.ReadFirst(path, count, What);
    }

    private ReadOnlyMemory<byte> Held(string file, string owner) =>
        _held!.TryGetValue(file, out ReadOnlyMemory<byte> bytes)
            ? bytes
            : throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"{owner} names the file '{ConfigurationText.Shown(file)}', which is not among those that the load brought along. Add it."
            );

    /// <summary>Whatever it is: a folder and a link to nothing are no configuration, and not the same as none.</summary>
    private static bool IsThere(string path) => (int)new FileInfo(path).Attributes != -1;

    private void RefuseOtherName()
    {
        if (Message.Name.Length > 0 && Message.Name != Model)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"unexpected directory name '{Model}' for model '{Message.Name}', directory name must equal model name. Rename one of them, or leave 'name' out of '{Path}'."
            );
        }
    }
}
