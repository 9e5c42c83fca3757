using Google.Protobuf.Collections;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Scheduling = Troupe.Runtime.Configuration.ModelConfig.SchedulingChoiceOneofCase;

namespace Troupe.Runtime.Configuration;

/// <summary>Completes a configuration from its model where it is silent, and holds it against the model where it is not.</summary>
/// <remarks>Pure: the same configuration and facts give the same result.</remarks>
internal static class ConfigurationCompletion
{
    /// <summary>Completes <paramref name="config"/> in place.</summary>
    /// <returns>The tensors that callers see, in the configuration's order.</returns>
    /// <exception cref="ModuleLoadException">It contradicts the model; the message says where, and the fix.</exception>
    public static (IReadOnlyList<TensorSpec> Inputs, IReadOnlyList<TensorSpec> Outputs) Complete(ModelConfig config, ModelFacts facts)
    {
        CheckNames(config, facts);
        bool isPartial = config.Input.Count == 0 || config.Output.Count == 0;
        CompleteBatch(config, facts, isPartial);
        CheckQueue(config, facts);
        IReadOnlyList<TensorSpec> inputs = CompleteInputs(config, facts),
            outputs = CompleteOutputs(config, facts);
        config.Name = facts.Name;
        config.Platform = facts.Platform;
        config.Backend = facts.Backend;
        config.DefaultModelFilename = config.DefaultModelFilename.Length > 0 ? config.DefaultModelFilename : facts.File;
        CompleteDefaults(config);
        return (inputs, outputs);
    }

    private static void CheckNames(ModelConfig config, ModelFacts facts)
    {
        if (config.Name.Length > 0 && config.Name != facts.Name)
        {
            throw Refused(
                $"unexpected directory name '{facts.Name}' for model '{config.Name}', directory name must equal model name. Rename one of them, or leave 'name' out."
            );
        }

        if (config.Platform.Length > 0 && config.Platform != facts.Platform)
        {
            throw Refused(
                $"model '{facts.Name}' is configured with platform '{config.Platform}' and is '{facts.Platform}'. Correct 'platform', or leave it out."
            );
        }

        if (config.Backend.Length > 0 && config.Backend != facts.Backend)
        {
            throw Refused(
                $"model '{facts.Name}' is configured with backend '{config.Backend}' and is one of '{facts.Backend}'. Correct 'backend', or leave it out."
            );
        }

        if (config.MetricTags.Keys.FirstOrDefault(tag => !IsLabel(tag)) is { } wrong)
        {
            throw Refused(
                $"model '{facts.Name}': metric_tags has '{wrong}', which is no name of a label: letters, digits and _, not a digit first, and not model, version or reason."
            );
        }

        if (config.MaxBatchSize < 0)
        {
            throw Refused($"model '{facts.Name}': 'max_batch_size' must be non-negative, not {config.MaxBatchSize}.");
        }
    }

    private static bool IsLabel(string name) =>
        name.Length > 0
        && !char.IsAsciiDigit(name[0])
        && !name.StartsWith("__", StringComparison.Ordinal)
        && name.All(one => char.IsAsciiLetterOrDigit(one) || one == '_')
        && name is not ("model" or "version" or "reason");

    /// <summary>A configuration that leaves tensors to the model leaves batching to it too.</summary>
    private static void CompleteBatch(ModelConfig config, ModelFacts facts, bool isPartial)
    {
        if (isPartial && config.MaxBatchSize == 0 && facts.CanBatch && !GivesWholeShapes(config, facts))
        {
            config.MaxBatchSize = facts.DefaultMaxBatchSize;
        }

        if (isPartial && config.MaxBatchSize > 1 && config.SchedulingChoiceCase == Scheduling.None)
        {
            config.DynamicBatching = new ModelDynamicBatching();
        }
    }

    private static void CheckQueue(ModelConfig config, ModelFacts facts)
    {
        if (config.DynamicBatching is not { } batching)
        {
            return;
        }

        ulong levels = batching.PriorityLevels;
        if (levels > 0 && (batching.DefaultPriorityLevel == 0 || batching.DefaultPriorityLevel > levels))
        {
            throw Refused(
                $"model '{facts.Name}': dynamic_batching has default_priority_level {batching.DefaultPriorityLevel}, and priority_levels is {levels}. Give it one from 1 to {levels}."
            );
        }

        if (batching.PreferredBatchSize.Where(size => size <= 0 || size > config.MaxBatchSize).Cast<int?>().FirstOrDefault() is { } size)
        {
            throw Refused(
                $"model '{facts.Name}': dynamic_batching has preferred_batch_size {size}, and max_batch_size is {config.MaxBatchSize}. Give sizes from 1 to max_batch_size."
            );
        }
    }

    /// <summary>A tensor's dims are as many as the model's: no batch was left out of them.</summary>
    private static bool GivesWholeShapes(ModelConfig config, ModelFacts facts) =>
        config
            .Input.Select(input => (input.Name, Rank: (input.Reshape?.Shape ?? input.Dims).Count, Told: facts.Inputs))
            .Concat(config.Output.Select(output => (output.Name, Rank: (output.Reshape?.Shape ?? output.Dims).Count, Told: facts.Outputs)))
            .Any(given => given.Told.FirstOrDefault(tensor => tensor.Name == given.Name)?.Shape.Rank == given.Rank);

    private static TensorSpec[] CompleteInputs(ModelConfig config, ModelFacts facts)
    {
        if (config.Input.Count == 0)
        {
            config.Input.AddRange(facts.Inputs.Select(input => new ModelInput { Name = input.Name, Optional = input.IsOptional }));
            return [.. config.Input.Select(input => Told(facts.Inputs, input))];
        }

        CheckOnce("input", config.Input.Select(input => input.Name), facts);
        if (facts.Inputs.FirstOrDefault(told => !told.IsOptional && config.Input.All(input => input.Name != told.Name)) is { } missing)
        {
            throw Refused(
                $"unable to load model '{facts.Name}', configuration expects {config.Input.Count} inputs, model provides {facts.Inputs.Count}: its input '{missing.Name}' is not configured. Add it."
            );
        }

        return [.. config.Input.Select(input => Told(facts.Inputs, input))];

        TensorSpec Told(IReadOnlyList<TensorSpec> told, ModelInput input)
        {
            TensorSpec model = Find("input", told, input.Name, facts);
            if (input.Optional && !model.IsOptional)
            {
                throw Refused(
                    $"model '{facts.Name}': input '{input.Name}' is optional in the configuration, and the model has no value of its own for it. Leave 'optional' out, or give the model's input an initializer."
                );
            }

            var tensor = new ConfiguredTensor(facts.Name, true, input.Name, input.DataType, input.Dims, input.Reshape);
            TensorSpec seen = tensor.Complete(model, IsInBatch(input, model) ? config.MaxBatchSize : 0);
            input.DataType = DataTypes.Of(model.Type);
            CheckFormat(input, facts);
            return seen with { IsOptional = input.Optional };
        }
    }

    /// <summary>An input with a value of its own is no part of the batch unless what is configured says so.</summary>
    private static bool IsInBatch(ModelInput input, TensorSpec told)
    {
        RepeatedField<long> inner = input.Reshape?.Shape ?? input.Dims;
        return !told.IsOptional || (inner.Count > 0 && told.Shape.Rank == inner.Count + 1 && told.Shape[0] == -1);
    }

    private static TensorSpec[] CompleteOutputs(ModelConfig config, ModelFacts facts)
    {
        if (config.Output.Count == 0)
        {
            config.Output.AddRange(facts.Outputs.Select(output => new ModelOutput { Name = output.Name }));
        }

        CheckOnce("output", config.Output.Select(output => output.Name), facts);
        var seen = new TensorSpec[config.Output.Count];
        for (int index = 0; index < seen.Length; index++)
        {
            ModelOutput output = config.Output[index];
            TensorSpec model = Find("output", facts.Outputs, output.Name, facts);
            var tensor = new ConfiguredTensor(facts.Name, false, output.Name, output.DataType, output.Dims, output.Reshape);
            seen[index] = tensor.Complete(model, config.MaxBatchSize);
            output.DataType = DataTypes.Of(model.Type);
        }

        return seen;
    }

    private static void CheckOnce(string side, IEnumerable<string> names, ModelFacts facts)
    {
        var known = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (name.Length == 0)
            {
                throw Refused($"model '{facts.Name}': model {side} must specify 'name'.");
            }

            if (!known.Add(name))
            {
                throw Refused($"model '{facts.Name}': {side} '{name}' is configured twice. Leave one of them.");
            }
        }
    }

    private static TensorSpec Find(string side, IReadOnlyList<TensorSpec> told, string name, ModelFacts facts) =>
        told.FirstOrDefault(tensor => tensor.Name == name)
        ?? throw Refused(
            $"unexpected inference {side} '{name}' for model '{facts.Name}', allowed {side}s are: {string.Join(", ", told.Select(tensor => tensor.Name))}."
        );

    private static void CheckFormat(ModelInput input, ModelFacts facts)
    {
        if (input.Format != ModelInput.Types.Format.None && input.Dims.Count != 3)
        {
            throw Refused(
                $"model '{facts.Name}': input '{input.Name}' has an image format and {input.Dims.Count} dims: NHWC and NCHW take 3. Correct one of them."
            );
        }
    }

    /// <summary>What Triton writes where nothing is said.</summary>
    private static void CompleteDefaults(ModelConfig config)
    {
        config.VersionPolicy ??= new ModelVersionPolicy();
        if (config.VersionPolicy.PolicyChoiceCase == ModelVersionPolicy.PolicyChoiceOneofCase.None)
        {
            config.VersionPolicy.Latest = new ModelVersionPolicy.Types.Latest { NumVersions = 1 };
        }

        config.Optimization ??= new ModelOptimizationPolicy();
        config.Optimization.InputPinnedMemory ??= new() { Enable = true };
        config.Optimization.OutputPinnedMemory ??= new() { Enable = true };
        if (config.DynamicBatching is { } batching)
        {
            Prefer(batching.PreferredBatchSize, config.MaxBatchSize);
        }
    }

    private static void Prefer(RepeatedField<int> sizes, int maxBatchSize)
    {
        if (sizes.Count == 0 && maxBatchSize > 0)
        {
            sizes.Add(maxBatchSize);
        }
    }

    private static ModuleLoadException Refused(string problem) => new(FailureKind.InvalidModel, problem);
}
