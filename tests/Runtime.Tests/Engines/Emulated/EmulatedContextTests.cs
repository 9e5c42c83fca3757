using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Emulated;

/// <summary>An <see cref="EmulatedContext"/> alone, driven as a lane drives it: what TensorRT would refuse or overlook is refused
/// here.</summary>
public sealed class EmulatedContextTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly FailureSlot _failure = new();
    private readonly DeviceContext _device;
    private readonly DeviceStream _stream;
    private readonly BlockPool _memory;
    private readonly List<IDisposable> _owned = [];

    public EmulatedContextTests()
    {
        _device = DeviceContext.Retain(_bench.Driver, 0);
        _bench.Driver.CtxSetCurrent(_device.Handle).ThrowIfFailed();
        _stream = DeviceStream.Create(_device);
        _memory = _bench.Platform.Memory.Open(0);
    }

    [Fact]
    public void It_has_the_facets_its_engine_was_declared_with_and_no_others()
    {
        using IExecutionContext plain = Context(Scaled());
        Assert.Equal((null, null, null), (plain.Profiles, plain.ShapeValues, plain.Workspace));
        using IExecutionContext profiled = Context(Profiled());
        Assert.NotNull(profiled.Profiles);
        IEngine scratching = Scaled(""", "workspaceBytes": 512""");
        using IExecutionContext ownScratch = Context(scratching);
        Assert.Null(ownScratch.Workspace);
        using IExecutionContext given = Context(scratching, WorkspaceStrategy.Dynamic);
        Assert.Equal(512, given.Workspace!.Bytes);
    }

    [Fact]
    public void A_run_multiplies_and_needs_every_shape_first()
    {
        using IExecutionContext context = Context(Scaled());
        string refused = Assert.Throws<ForwardException>(() => context.InferShapes(new TensorShape[1])).Message;
        Assert.Contains("cannot be inferred: its input 'x' has no shape", refused, StringComparison.Ordinal);
        Assert.Equal([2f, 4, 6, 8], Run(context, [1, 2, 3, 4]));
        Assert.Equal([10f, 0, 0, 0], Run(context, [5, 0, 0, 0]));
    }

    [Fact]
    public void A_shape_outside_the_declared_one_or_the_active_profile_is_refused()
    {
        using IExecutionContext context = Context(Scaled());
        Assert.Contains("it must be", Refusal(() => context.SetInputShape(0, new TensorShape(1, 5))), StringComparison.Ordinal);
        using IExecutionContext profiled = Context(Profiled());
        Assert.Contains(
            "optimization profile 0 admits",
            Refusal(() => profiled.SetInputShape(0, new TensorShape(9, 4))),
            StringComparison.Ordinal
        );
        profiled.Profiles!.Switch(1, _stream.Handle);
        Assert.Equal(1, profiled.Profiles.Active);
        profiled.SetInputShape(0, new TensorShape(9, 4));
        Assert.Contains("out of range [0, 2)", Refusal(() => profiled.Profiles.Switch(2, _stream.Handle)), StringComparison.Ordinal);
    }

    [Fact]
    public void After_a_switch_of_the_profile_shapes_must_be_set_again()
    {
        using IExecutionContext context = Context(Profiled());
        Run(context, [1, 2, 3, 4]);
        context.Profiles!.Switch(1, _stream.Handle);
        Assert.Contains("cannot be inferred", Refusal(() => context.InferShapes(new TensorShape[1])), StringComparison.Ordinal);
        Assert.Contains("cannot be inferred", Refusal(() => context.Enqueue(_stream.Handle)), StringComparison.Ordinal);
    }

    [Fact]
    public void Addresses_are_aligned_and_scratch_memory_is_large_enough()
    {
        using IExecutionContext context = Context(Scaled(""", "workspaceBytes": 512"""), WorkspaceStrategy.Dynamic);
        DevicePointer memory = Allocate(1024);
        Assert.Contains("a multiple of 256", Refusal(() => context.SetInputAddress(0, memory + 4)), StringComparison.Ordinal);
        Assert.Contains("a multiple of 256", Refusal(() => context.SetOutputAddress(0, default)), StringComparison.Ordinal);
        Assert.Contains("was given 511", Refusal(() => context.Workspace!.Bind(memory, 511)), StringComparison.Ordinal);
        Assert.Contains("has no workspace bound", Refusal(() => Run(context, [1, 2, 3, 4])), StringComparison.Ordinal);
        context.Workspace!.Bind(memory, 512);
        Assert.Equal([2f, 4, 6, 8], Run(context, [1, 2, 3, 4]));
    }

    [Fact]
    public void Its_settings_hold_still_while_a_context_exists()
    {
        IEngine engine = Scaled(""", "streamableBytes": 1000, "rtx": true""");
        IExecutionContext context = Context(engine);
        Assert.Contains("weight budget cannot change", Refusal(() => engine.StreamableWeights!.SetBudget(10)), StringComparison.Ordinal);
        Assert.Contains(
            "runtime settings cannot change",
            Refusal(() => engine.ConfigurableRuntime!.Configure(RuntimeSettings.Default, null)),
            StringComparison.Ordinal
        );
        context.Dispose();
        engine.StreamableWeights!.SetBudget(10);
        Assert.Equal(10, engine.StreamableWeights.Budget);
        using IExecutionContext streaming = Context(engine);
        streaming.SetInputShape(0, new TensorShape(1, 4));
        Assert.False(streaming.CanCapture);
    }

    [Fact]
    public void Layer_times_add_up_to_the_declared_duration()
    {
        IEngine engine = Scaled(""", "microseconds": 300""");
        var profiler = new ListProfiler();
        using IExecutionContext context = engine.CreateContext(_failure, WorkspaceStrategy.Static, profiler);
        Run(context, [1, 2, 3, 4]);
        Run(context, [1, 2, 3, 4]);
        Assert.Equal(600, profiler.Layers.Sum(layer => layer.Duration.TotalMicroseconds));
        Assert.All(profiler.Layers, layer => Assert.Contains(layer.Name, engine.LayerInformation!, StringComparison.Ordinal));
    }

    public void Dispose()
    {
        for (int index = _owned.Count - 1; index >= 0; index--)
        {
            _owned[index].Dispose();
        }

        _memory.Dispose();
        _stream.Dispose();
        _bench.Driver.CtxSetCurrent(default).ThrowIfFailed();
        _device.Dispose();
        _bench.Dispose();
    }

    private static string Refusal(Action act) => Assert.Throws<ForwardException>(act).Message;

    private IEngine Scaled(string more = "") => Load(PackedEngines.Scale(2, more: more));

    private IEngine Profiled() =>
        Scaled(
            """
            , "profiles": [[{ "input": "x", "min": [1, 4], "opt": [1, 4], "max": [8, 4] }], [{ "input": "x", "min": [9, 4], "opt": [9, 4], "max": [16, 4] }]]
            """
        );

    private IEngine Load(byte[] plan)
    {
        IEngine engine = new EmulatedBackend().Load(
            new EngineSource("_run_on_acc_0", "net.plan", plan),
            new EngineHome(_bench.Driver, 0, _device.Handle, _stream.Handle, _memory),
            CancellationToken.None
        );
        _owned.Add(engine);
        return engine;
    }

    private IExecutionContext Context(IEngine engine, WorkspaceStrategy strategy = WorkspaceStrategy.Static) =>
        engine.CreateContext(_failure, strategy, profiler: null);

    private DevicePointer Allocate(ulong bytes)
    {
        DeviceBuffer buffer = DeviceBuffer.Allocate(_device, bytes);
        _owned.Add(buffer);
        return buffer.Pointer;
    }

    private unsafe float[] Run(IExecutionContext context, float[] values)
    {
        context.SetInputShape(0, new TensorShape(1, 4));
        var shapes = new TensorShape[1];
        context.InferShapes(shapes);
        Assert.Equal(new TensorShape(1, 4), shapes[0]);
        DevicePointer input = Allocate(16),
            output = Allocate(16);
        context.SetInputAddress(0, input);
        context.SetOutputAddress(0, output);
        float[] results = new float[4];
        fixed (
            float* source = values,
                target = results
        )
        {
            _bench.Driver.MemcpyHtoD(input, (nint)source, 16).ThrowIfFailed();
            context.Enqueue(_stream.Handle);
            _stream.Synchronize();
            _bench.Driver.MemcpyDtoH((nint)target, output, 16).ThrowIfFailed();
        }

        Assert.True(_failure.IsEmpty);
        return results;
    }

    private sealed class ListProfiler : ILayerProfiler
    {
        public List<(string Name, TimeSpan Duration)> Layers { get; } = [];

        public void Report(string layer, TimeSpan duration) => Layers.Add((layer, duration));
    }
}
