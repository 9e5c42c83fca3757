using System.Text.RegularExpressions;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>Turns an artifact of torch_tensorrt into a module: its engines become <c>_run_on_acc_N</c> segments, its graph their
/// wiring.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never: the artifact was read before.</remarks>
internal static partial class ArtifactModule
{
    private const string DefaultName = "_run_on_acc_0";

    /// <param name="path">What to call it in errors; companion files are never looked for.</param>
    /// <param name="names">For a raw plan, which has none of its own; null elsewhere.</param>
    /// <exception cref="ModuleLoadException">The artifact is for another platform, or needs what no back end does.</exception>
    public static ModuleDefinition Define(
        ArtifactSpec spec,
        string path,
        BindingNames? names,
        ContentHash hash,
        BackendCatalogue backends
    ) =>
        Explained(() =>
        {
            spec.EnsureRunsOn(TargetPlatforms.Here);
            return spec.Graph is { } graph
                ? ArtifactWiring.Define(spec, graph, path, hash, backends)
                : Lone(spec, path, names, hash, backends);
        });

    /// <summary>Runs a step that reads artifacts; its refusals become those of a load.</summary>
    public static T Explained<T>(Func<T> step)
    {
        try
        {
            return step();
        }
        catch (ArtifactException refused)
        {
            throw new ModuleLoadException(Kind(refused.Fault), refused.Message, refused);
        }
    }

    /// <summary>One engine as a segment of this name, wired to module tensors of these names.</summary>
    public static SegmentDefinition Segment(
        ArtifactEngine engine,
        string name,
        string path,
        IReadOnlyList<string> inputs,
        IReadOnlyList<string> outputs,
        BackendCatalogue backends
    )
    {
        EngineRecord record = engine.Record;
        if (record.RequiresNativeMultidevice)
        {
            throw NotSupported(
                path,
                $"its engine '{engine.Key}' spreads over several GPUs by NCCL (requires_native_multidevice)",
                "Compile it for one device."
            );
        }

        var spec = new SegmentSpec(name, SegmentKind.Engine, BackendOf(engine, path, backends), Path.GetFileName(path), 0, inputs, outputs);
        return new SegmentDefinition(
            spec,
            path,
            record.Plan,
            record.Aliases,
            record.RequiresOutputAllocator,
            record.Metadata.Length > 0 ? record.OutputsAreUnowned : null
        )
        {
            Bindings = new BindingNames(record.InputNames, record.OutputNames),
            BuiltOn = record.Device,
            HardwareCompatible = record.HardwareCompatible,
            Warnings = record.Warnings,
            DynamicWorkspace = record.ResourceAllocation == ResourceAllocation.Dynamic,
        };
    }

    /// <summary>The segment's name as the compiler gave it, out of a key such as <c>_run_on_acc_0_engine</c> or
    /// <c>_run_on_acc_0.engine</c>; null where it tells none.</summary>
    public static string? NameIn(string key) => SegmentName().Match(key) is { Success: true } match ? match.Value : null;

    public static ModuleLoadException NotSupported(string path, string what, string fix) =>
        new(FailureKind.NotSupported, $"'{path}' cannot be loaded: {what}. {fix}");

    private static ModuleDefinition Lone(ArtifactSpec spec, string path, BindingNames? names, ContentHash hash, BackendCatalogue backends)
    {
        if (spec.Engines.Count > 1)
        {
            throw NotSupported(
                path,
                $"it holds {spec.Engines.Count} engines ({string.Join(", ", spec.Engines.Select(engine => engine.Key))}), and only its TorchScript code says how they are connected, which is not run",
                "Save the model with output_format=\"exported_program\"."
            );
        }

        if (spec.EngineCalls is > 1 and int calls)
        {
            throw NotSupported(
                path,
                $"its TorchScript code calls its one engine {calls} times, and the code is not run",
                "Save the model with output_format=\"exported_program\"."
            );
        }

        if (names is not null && spec.Format != ArtifactFormat.Plan)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{path}' names its tensors itself; names are given for a raw plan only. Load it without them."
            );
        }

        ArtifactEngine engine = spec.Engines[0];
        SegmentDefinition segment = Segment(engine, NameIn(engine.Key) ?? DefaultName, path, [], [], backends);
        segment =
            spec.Format == ArtifactFormat.Plan
                ? segment with
                {
                    Bindings = names ?? segment.Bindings,
                    IndexesAreOptional = names is null,
                }
                : segment;
        return new ModuleDefinition(hash, IsLone: true, [], [], [segment]);
    }

    private static string BackendOf(ArtifactEngine engine, string path, BackendCatalogue backends) =>
        engine.Record.IsTensorRtPlan
            ? backends.Resolve(ArtifactSpec.Backend, engine.Record.Plan.Span)
            : throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The engine '{engine.Key}' of '{path}' does not begin 'ftrt', as plans do. Save the model again."
            );

    private static FailureKind Kind(ArtifactFault fault) =>
        fault switch
        {
            ArtifactFault.UnsupportedNodes or ArtifactFault.WrongPlatform or ArtifactFault.WrongAbi => FailureKind.NotSupported,
            ArtifactFault.UnknownFormat
            or ArtifactFault.Truncated
            or ArtifactFault.Corrupt
            or ArtifactFault.TooLarge
            or ArtifactFault.UnsafeName
            or ArtifactFault.ForbiddenPickle
            or ArtifactFault.Missing
            or ArtifactFault.WrongBindings
            or ArtifactFault.Unreadable => FailureKind.InvalidModel,
        };

    [GeneratedRegex("^_run_on_acc_[0-9]+(?![0-9])", RegexOptions.CultureInvariant)]
    private static partial Regex SegmentName();
}
