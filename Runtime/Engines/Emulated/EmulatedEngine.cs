using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>An ONNX engine under TensorRT's rules: profiles, a weight budget that takes device memory, aliases, shape tensors.</summary>
/// <remarks><b>Owns</b> the ONNX engine and the memory its resident streamable weights take. <b>Thread</b> as <see cref="IEngine"/>.
/// <b>Blocks</b> never.</remarks>
internal sealed class EmulatedEngine : IEngine
{
    private readonly EmulatedManifest _manifest;
    private readonly OnnxEngine _network;
    private readonly string _content;
    private DevicePointer _resident;
    private int _contexts;

    public EmulatedEngine(EngineSource source, EmulatedManifest manifest, OnnxEngine network)
    {
        _manifest = manifest;
        _network = network;
        _content = Convert.ToHexStringLower(SHA256.HashData(source.Bytes.Span));
        Aliases = [.. manifest.Aliases, .. source.Aliases.Where(declared => manifest.Aliases.All(own => own.Output != declared.Output))];
        Inputs =
        [
            .. network.Inputs.Select(input => input with { IsShapeTensor = manifest.ShapeTensors.Contains(input.Name), Alignment = 256 }),
        ];
        Outputs =
        [
            .. network.Outputs.Select(output =>
                output with
                {
                    IsDataDependent = output.IsDataDependent && !manifest.Shapes.ContainsKey(output.Name),
                    Alignment = 256,
                }
            ),
        ];
        RefuseUnknownNames(source);
        Profiles =
        [
            .. manifest.Profiles.Select(
                (ranges, index) =>
                    new ProfileSpec(
                        index,
                        [
                            .. Inputs.Select(input =>
                                ranges.GetValueOrDefault(input.Name)
                                ?? (input.IsShapeTensor ? ProfileRange.AnyValues : ProfileRange.Any(input.Shape))
                            ),
                        ]
                    )
            ),
        ];
        RequiresOutputAllocator = manifest.RequiresOutputAllocator;
        if (RequiresOutputAllocator && Aliases.Count > 0)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"Aliased output {Aliases[0].Output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
            );
        }

        WeightBudget = AutomaticWeightBudget;
        Reside(WeightBudget, source.Path);
    }

    public EmulatedManifest Manifest => _manifest;

    public EngineHome Home => _network.Home;

    public string Name => _network.Name;

    public EngineCapabilities Capabilities =>
        EngineCapabilities.CudaGraphs
        | EngineCapabilities.OutputAllocator
        | EngineCapabilities.AliasedTensors
        | EngineCapabilities.SharedWorkspace
        | EngineCapabilities.LayerProfiling
        | (Profiles.Count > 0 ? EngineCapabilities.Profiles : 0)
        | (StreamableWeightBytes > 0 ? EngineCapabilities.WeightStreaming : 0)
        | (_manifest.ShapeTensors.Count > 0 ? EngineCapabilities.ShapeTensors : 0)
        | (_manifest.IsRtx ? EngineCapabilities.RuntimeSettings : 0);

    public IReadOnlyList<EngineTensor> Inputs { get; }

    public IReadOnlyList<EngineTensor> Outputs { get; }

    public IReadOnlyList<ProfileSpec> Profiles { get; }

    public IReadOnlyList<AliasSpec> Aliases { get; }

    public bool RequiresOutputAllocator { get; }

    public long StreamableWeightBytes => _manifest.StreamableBytes;

    public long AutomaticWeightBudget => Math.Min(_manifest.AutomaticBudget ?? _manifest.StreamableBytes, _manifest.StreamableBytes);

    public long WeightBudget { get; private set; }

    /// <summary>The TensorRT-RTX settings in force.</summary>
    public RuntimeSettings RuntimeSettings { get; private set; } = RuntimeSettings.Default;

    /// <summary>Kernels specialized to shapes; null where there are none.</summary>
    public SpecializedKernels? Kernels { get; private set; }

    public string? LayerInformation =>
        $$"""{"Layers":[{{string.Join(',', _network.Layers.Select(layer => $"\"{layer}\""))}}],"Bindings":[{{string.Join(',', Inputs.Concat(Outputs).Select(tensor => $"\"{tensor.Name}\""))}}]}""";

    public IReadOnlyList<string> Layers => _network.Layers;

    public void SetWeightBudget(long bytes)
    {
        RefuseWithContexts("the weight budget");
        if (StreamableWeightBytes == 0)
        {
            throw new ForwardException(FailureKind.NotSupported, ModeConflicts.NothingStreamable);
        }

        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, StreamableWeightBytes);
        long before = WeightBudget;
        Leave();
        try
        {
            Reside(bytes, Name);
            WeightBudget = bytes;
        }
        catch (ModuleLoadException full)
        {
            Reside(before, Name);
            throw new ForwardException(full.Kind, full.Message, full);
        }
    }

    public void SetRuntimeSettings(RuntimeSettings settings, RuntimeCache? cache)
    {
        RefuseWithContexts("runtime settings");
        if (!_manifest.IsRtx)
        {
            throw new ForwardException(
                FailureKind.NotSupported,
                "Kernel specialization, graph strategy and runtime cache are TRT-RTX-only; this engine is another."
            );
        }

        RuntimeSettings = settings;
        Kernels = settings.Specialization == KernelSpecialization.None ? null : new SpecializedKernels(_content, cache);
    }

    public IExecutionContext CreateContext(FailureSlot failure, WorkspaceStrategy workspace)
    {
        var context = new EmulatedContext(this, (OnnxContext)_network.CreateContext(failure, workspace), failure, workspace);
        Interlocked.Increment(ref _contexts);
        return context;
    }

    /// <summary>Kernels for free dimensions are made in the background while forwards run, which a recording would miss.</summary>
    public bool SpecializesLater =>
        _manifest.IsRtx && RuntimeSettings.Specialization == KernelSpecialization.Lazy && Inputs.Any(input => !input.Shape.IsConcrete);

    /// <summary>A context is gone.</summary>
    public void Forget() => Interlocked.Decrement(ref _contexts);

    public void Dispose()
    {
        Leave();
        _network.Dispose();
    }

    private void Reside(long bytes, string what)
    {
        if (bytes == 0)
        {
            return;
        }

        CuResult status = Home.Driver.MemAlloc(out DevicePointer resident, (ulong)bytes);
        if (status == CuResult.OutOfMemory)
        {
            Home.Driver.MemGetInfo(out ulong free, out ulong total);
            throw new ModuleLoadException(
                FailureKind.OutOfDeviceMemory,
                $"The resident weights of '{what}' take {bytes} bytes; device {Home.Ordinal} has {free} of {total} free."
            );
        }

        status.ThrowIfFailed();
        _resident = resident;
    }

    private void Leave()
    {
        if (!_resident.IsNull)
        {
            Home.Driver.MemFree(_resident);
            _resident = default;
        }
    }

    private void RefuseWithContexts(string what)
    {
        if (Volatile.Read(ref _contexts) > 0)
        {
            throw new ForwardException(
                FailureKind.Internal,
                $"'{Name}' still has {_contexts} execution contexts; {what} cannot change while one exists."
            );
        }
    }

    private void RefuseUnknownNames(EngineSource source)
    {
        string[] inputs = [.. Inputs.Select(input => input.Name)],
            outputs = [.. Outputs.Select(output => output.Name)];
        IEnumerable<string> unknown =
        [
            .. _manifest
                .Profiles.SelectMany(profile => profile.Keys)
                .Concat(_manifest.ShapeTensors)
                .Concat(Aliases.Select(alias => alias.Input))
                .Concat(
                    _manifest
                        .Shapes.Values.SelectMany(rules => rules)
                        .SelectMany(rule => rule.Dimensions.Select(term => term.Input).Concat(rule.Values.Select(term => term.Input)))
                )
                .Except(inputs),
            .. Aliases.Select(alias => alias.Output).Concat(_manifest.Shapes.Keys).Except(outputs),
        ];
        if (unknown.FirstOrDefault() is { } name)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{source.Path}' names the tensor '{name}', which '{_manifest.Onnx}' does not have there."
            );
        }
    }
}
