using Microsoft.Extensions.Time.Testing;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Engines.Onnx.Host;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Onnx.Host;

/// <summary>What runs take beyond their buffers: bounded, and given back.</summary>
/// <remarks>The arena is the process's, so nothing else runs beside these.</remarks>
[Collection(nameof(OnnxArenaTests)), CollectionDefinition(nameof(OnnxArenaTests), DisableParallelization = true)]
public sealed class OnnxArenaTests : IDisposable
{
    private const long Mebi = 1L << 20;
    private const ulong Bound = 256UL << 20;
    private const ulong Usual = 1UL << 34;

    private readonly FakeTimeProvider _time = new();
    private readonly OnnxArena _arena;

    public OnnxArenaTests() => _arena = OnnxArena.Renew(Bound, _time);

    [Fact]
    public void A_run_beyond_the_bound_fails_as_out_of_memory_and_the_next_one_runs()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());
        for (int round = 0; round < 3; round++)
        {
            ForwardException full = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Shape(300 * Mebi / 4)));
            Assert.Equal(FailureKind.OutOfDeviceMemory, full.Kind);
            Assert.EndsWith(
                "needs more memory while it runs than is left of the 268435456 bytes that the emulated devices have together.",
                full.Message,
                StringComparison.Ordinal
            );
            Assert.InRange(_arena.Holdings.Taken, 0, 256 * Mebi);
            Assert.Equal(3, Workbench.Floats(Workbench.Forward(instance, X(), Shape(3))[0]).Length);
        }
    }

    [Fact]
    public void More_strings_than_the_bound_has_room_for_fail_their_forward_alone()
    {
        const int strings = (int)(9 * Mebi);
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        var x = new Tensor("x", ElementType.Bytes, new TensorShape(strings), new byte[4 * strings]);

        ForwardException full = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, x));

        Assert.Equal(FailureKind.OutOfDeviceMemory, full.Kind);
        Assert.InRange(_arena.Holdings.InUse, 0, Mebi);
        Assert.Equal(["a"], Workbench.Strings(Workbench.Forward(instance, Workbench.Strings("x", [1], "a"))[0]));
    }

    [Fact]
    public void What_a_large_output_took_goes_back_once_it_has_been_handed_on()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());
        Workbench.Forward(instance, X(), Shape(200 * Mebi / 4));
        Assert.InRange(_arena.Holdings.Taken, 200 * Mebi, 256 * Mebi);
        Assert.InRange(_arena.Holdings.InUse, 0, Mebi);

        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.InRange(_arena.Holdings.Taken, 0, Mebi);
    }

    [Fact]
    public void What_a_large_output_took_is_let_go_where_the_device_has_no_room_for_it()
    {
        using var bench = new Workbench(
            EmulatedDriverOptions.WithDevices(1, new EmulatedDeviceOptions { MemoryBytes = (ulong)(64 * Mebi) })
        );
        ModuleInstance instance = bench.Load(TinyModels.Stretched());

        ForwardException full = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Shape(100 * Mebi / 4)));

        Assert.Equal(FailureKind.OutOfDeviceMemory, full.Kind);
        Assert.InRange(_arena.Holdings.Taken, 100 * Mebi, 256 * Mebi);
        Assert.InRange(_arena.Holdings.InUse, 0, Mebi);
    }

    [Fact]
    public void What_a_large_output_took_is_let_go_where_it_cannot_be_delivered()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());
        Workbench.Forward(instance, X(), Shape(3));
        bench.Driver.Inject(new EmulatedFault(EmulatedFaultKind.RefusedLaunch, 0) { After = 1 });

        Assert.Throws<ForwardException>(() => Workbench.Forward(instance, X(), Shape(100 * Mebi / 4)));

        Assert.InRange(_arena.Holdings.InUse, 0, Mebi);
    }

    [Fact]
    public void What_runs_take_again_each_time_is_left_to_them_until_none_comes()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());
        List<long> left = [];
        for (int look = 0; look < 34; look++)
        {
            Workbench.Forward(instance, X(), Shape(70 * Mebi / 4));
            _time.Advance(TimeSpan.FromSeconds(1));
            left.Add(_arena.Holdings.Taken / Mebi);
        }

        // The first look cannot know that it is taken again; later it is seen once in a while whether it still is.
        Assert.Equal(0, left[0]);
        Assert.Equal((32, 1), (left.Count(taken => taken >= 70), left.Skip(1).Count(taken => taken == 0)));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_arena.Holdings.Taken, 0, Mebi);
    }

    [Fact]
    public void What_a_small_one_took_goes_back_when_no_run_came_between_two_looks()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Stretched());
        Workbench.Forward(instance, X(), Shape(10 * Mebi / 4));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_arena.Holdings.Taken, 10 * Mebi, 11 * Mebi);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_arena.Holdings.Taken, 0, Mebi);
        Assert.Equal(3, Workbench.Floats(Workbench.Forward(instance, X(), Shape(3))[0]).Length);
    }

    [Fact]
    public void A_run_that_another_has_left_no_room_is_tried_again_after_the_arena_shrank()
    {
        using Workbench bench = Bench();
        ModuleInstance first = bench.Load(TinyModels.Stretched(outputs: 2)),
            second = bench.Load(TinyModels.Stretched());
        Workbench.Forward(first, X(), Shape(100 * Mebi / 4));
        first.Dispose();
        Assert.InRange(_arena.Holdings.Taken, 200 * Mebi, 256 * Mebi);

        Tensor y = Workbench.Forward(second, X(), Shape(150 * Mebi / 4))[0];

        Assert.Equal(150 * Mebi, y.Data.Length);
        Assert.Equal((5f, 5f), (Workbench.Floats(y)[0], Workbench.Floats(y)[^1]));
    }

    [Fact]
    public void Strings_that_another_has_left_no_room_are_tried_again_after_the_arena_shrank()
    {
        const int strings = (int)(4 * Mebi);
        using Workbench bench = Bench();
        ModuleInstance first = bench.Load(TinyModels.Stretched(outputs: 2)),
            second = bench.Load(
                new TinyOnnx().Input("x", TinyOnnx.Element.String, "n").Output("n", TinyOnnx.Element.Int64, 1).Node("Shape", ["x"], ["n"])
            );
        Workbench.Forward(first, X(), Shape(100 * Mebi / 4));
        first.Dispose();
        Assert.InRange(_arena.Holdings.Taken, 200 * Mebi, 256 * Mebi);

        Tensor n = Workbench.Forward(second, new Tensor("x", ElementType.Bytes, new TensorShape(strings), new byte[4 * strings]))[0];

        Assert.Equal([strings], Workbench.Longs(n));
        Assert.InRange(_arena.Holdings.Taken, 32L * strings, 256 * Mebi);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.InRange(_arena.Holdings.Taken, 0, Mebi);
    }

    [Fact]
    public void Strings_that_nobody_took_stay_with_no_idle_lane()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        Tensor x = Workbench.Strings("x", [1], new string('x', (int)(32 * Mebi)));
        Workbench.Forward(instance, Workbench.Strings("x", [1], "a"));
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            lane.Submit([new LaneForward([x], [])], ModeSettings.Default, () => { });
            Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 16 * Mebi);
        GC.KeepAlive(x);
    }

    [Fact]
    public void Intermediate_tensors_count_where_shapes_are_known_too()
    {
        using Workbench bench = Bench();
        ModuleInstance instance = bench.Load(TinyModels.TableTotal());
        ForwardException full = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Ones("a", 10_000, 1), Ones("b", 1, 10_000))
        );
        Assert.Equal(FailureKind.OutOfDeviceMemory, full.Kind);
        Assert.Equal([10_000f], Workbench.Floats(Workbench.Forward(instance, Ones("a", 100, 1), Ones("b", 1, 100))[0]));
    }

    [Theory]
    [InlineData("gather")]
    [InlineData("expand")]
    [InlineData("memory")]
    public void What_ONNX_Runtime_says_is_told_without_the_places_in_its_source(string what)
    {
        using Workbench bench = Bench();
        string said = Assert.Throws<ForwardException>(() => Fail(bench, what)).Message;
        TestContext.Current.TestOutputHelper!.WriteLine(said);
        Assert.DoesNotContain("::", said, StringComparison.Ordinal);
        Assert.DoesNotContain(".cc", said, StringComparison.Ordinal);
        Assert.DoesNotContain(".h:", said, StringComparison.Ordinal);
        Assert.DoesNotContain("/onnxruntime", said, StringComparison.Ordinal);
        Assert.EndsWith(".", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Weights_do_not_come_from_it()
    {
        using Workbench bench = Bench();
        long before = _arena.Holdings.Taken;
        ModuleInstance instance = bench.Load(TinyModels.Heavy(elements: 64 * Mebi / 4));
        Workbench.Forward(instance, X());
        Assert.InRange(_arena.Holdings.Taken - before, 0, Mebi);
    }

    public void Dispose() => OnnxArena.Renew(Usual, TimeProvider.System);

    /// <summary>A device of as much memory as the arena has.</summary>
    private static Workbench Bench() => new(EmulatedDriverOptions.WithDevices(1, new EmulatedDeviceOptions { MemoryBytes = Bound }));

    private static void Fail(Workbench bench, string what)
    {
        switch (what)
        {
            case "gather":
                Workbench.Forward(bench.Load(TinyModels.Pick()), Workbench.Floats("x", [2], 1, 2), Workbench.Longs("i", [1], 99));
                break;
            case "expand":
                Workbench.Forward(bench.Load(TinyModels.Stretched()), X(), Shape(-7));
                break;
            case "memory":
                Workbench.Forward(bench.Load(TinyModels.Stretched()), X(), Shape(1L << 40));
                break;
        }
    }

    private static Tensor X() => Workbench.Floats("x", [1], 5);

    private static Tensor Shape(params long[] dimensions) => Workbench.Longs("shape", [dimensions.Length], dimensions);

    private static Tensor Ones(string name, params long[] shape) =>
        Workbench.Floats(name, shape, [.. Enumerable.Repeat(1f, (int)(shape[0] * shape[1]))]);
}
