using System.Buffers.Binary;
using CsCheck;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;
using static Troupe.TestSupport.Onnx.TinyOnnx;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>Tensors of type BYTES: on the host, whatever else the module has on its device.</summary>
public sealed class StringTensorTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Strings_and_numbers_go_in_and_out_of_one_module(bool isDeferred)
    {
        using var bench = new Workbench(
            new EmulatedDriverOptions { Policy = isDeferred ? ExecutionPolicy.Deferred : ExecutionPolicy.Inline }
        );
        ModuleInstance instance = bench.Load(TinyModels.TextsAndNumbers());
        foreach ((string[] text, long[] x) in new (string[], long[])[] { (["1", "-20"], [5, 6]), (["7"], [0]), (["1", "2"], [3, 4]) })
        {
            Tensor[] outputs = Workbench.Forward(
                instance,
                Workbench.Longs("x", [text.Length], x),
                Workbench.Strings("text", [text.Length], text)
            );
            Assert.Equal(text.Select(number => $"{2 * int.Parse(number)}"), Workbench.Strings(outputs[0]));
            Assert.Equal(text.Zip(x, (number, other) => int.Parse(number) + other), Workbench.Longs(outputs[1]));
            Assert.Equal((new TensorShape(text.Length), ElementType.Bytes), (outputs[0].Shape, outputs[0].Type));
        }
    }

    [Fact]
    public void Nothing_of_a_string_is_copied_to_a_device_or_from_it()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        Workbench.Forward(instance, Workbench.Strings("x", [1], "a"));
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        int lent = instance.HomePool.Lent;

        Tensor y = Workbench.Forward(instance, Workbench.Strings("x", [1], new string('s', 1 << 20)))[0];

        EmulatedDeviceSnapshot done = bench.Driver.Snapshot(0) - before;
        Assert.Equal((1 << 20) + 4, y.Data.Length);
        Assert.Equal((0, 0, lent), (done.CopiesToDevice, done.CopiesToHost, instance.HomePool.Lent));
    }

    [Fact]
    public void Bytes_that_are_no_text_pass_unchanged_up_to_a_nul()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        Tensor y = Workbench.Forward(instance, Workbench.Strings("x", [4], [0xFF, 0xC0, 0x80], [], [(byte)'a', 0, (byte)'b'], [0]))[0];
        Assert.Equal("03000000FFC080" + "00000000" + "0100000061" + "00000000", Convert.ToHexString(y.Data.Span));
    }

    [Fact]
    public void Strings_pass_from_one_segment_to_the_next_and_shapes_follow_their_values()
    {
        using var bench = new Workbench();
        bench.Folder.Write(
            "a.onnx",
            new TinyOnnx()
                .Input("x", Element.String, "n")
                .Input("at", Element.Int64, "k")
                .Output("picked", Element.String, "k")
                .Node("Gather", ["x", "at"], ["picked"], ("axis", 0))
        );
        bench.Folder.Write(
            "b.onnx",
            new TinyOnnx()
                .Input("picked", Element.String, "k")
                .Output("number", Element.Int64, "k")
                .Node("Cast", ["picked"], ["number"], ("to", (long)Element.Int64))
        );
        ModuleInstance instance = bench.Load(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "BYTES", "shape": ["n"] }, { "name": "at", "dtype": "INT64", "shape": ["k"] }],
                  "outputs": [{ "name": "picked", "dtype": "BYTES", "shape": ["k"] }, { "name": "number", "dtype": "INT64", "shape": ["k"] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x", "at"], "outputs": ["picked"] },
                    { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["picked"], "outputs": ["number"] }] }
                """
            )
        );
        Tensor[] outputs = Workbench.Forward(instance, Workbench.Strings("x", [3], "1", "22", "333"), Workbench.Longs("at", [2], 2, 0));
        Assert.Equal(["333", "1"], Workbench.Strings(outputs[0]));
        Assert.Equal([333, 1], Workbench.Longs(outputs[1]));
    }

    [Fact]
    public void A_string_input_with_a_value_of_its_own_may_be_left_out()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(
            new TinyOnnx()
                .Input("x", Element.String, "n")
                .Input("end", Element.String, 1)
                .Output("y", Element.String, "all")
                .Constant("end", (string[])["the"], 1)
                .Node("Concat", ["x", "end"], ["y"], ("axis", 0))
        );
        Tensor x = Workbench.Strings("x", [1], "in");
        Assert.Equal(["in", "the"], Workbench.Strings(module.Forward(x)[0]));
        Assert.Equal(["in", "a"], Workbench.Strings(module.Forward(x, Workbench.Strings("end", [1], "a"))[0]));
    }

    [Fact]
    public void An_output_that_is_an_input_is_handed_on()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(
            new TinyOnnx()
                .Input("x", Element.String, "n")
                .Output("y", Element.String, "n")
                .Output("x", Element.String, "n")
                .Node("Identity", ["x"], ["y"])
        );
        Tensor[] outputs = Workbench.Forward(instance, Workbench.Strings("x", [2], "p", "q"));
        Assert.All(outputs, output => Assert.Equal(["p", "q"], Workbench.Strings(output)));
    }

    [Fact]
    public void Any_bytes_but_nul_come_back_as_they_went_in()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        Gen.Byte[1, 255]
            .Array[0, 40]
            .Array[0, 20]
            .Sample(
                strings =>
                {
                    Tensor x = Workbench.Strings("x", [strings.Length], strings);
                    Tensor y = Workbench.Forward(instance, x)[0];
                    Assert.Equal(x.Shape, y.Shape);
                    Assert.Equal(x.Data.ToArray(), y.Data.ToArray());
                },
                iter: 200,
                threads: 1
            );
    }

    [Fact]
    public void Callers_at_once_get_their_own_strings()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Texts(), lanes: 4);
        Parallel.For(
            0,
            400,
            call =>
            {
                string[] texts = [.. Enumerable.Range(0, 1 + (call % 7)).Select(index => new string((char)('a' + index), call))];
                Assert.Equal(texts, Workbench.Strings(module.Forward(Workbench.Strings("x", [texts.Length], texts))[0]));
            }
        );
    }

    [Fact]
    public void A_million_empty_strings_are_a_million_empty_strings()
    {
        const int count = 1_000_000;
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        var x = new Tensor("x", ElementType.Bytes, new TensorShape(count), new byte[4 * count]);
        Workbench.Forward(instance, Workbench.Strings("x", [1], "a"));
        long before = GC.GetAllocatedBytesForCurrentThread();

        Tensor y = Workbench.Forward(instance, x)[0];

        // The output itself, and nothing for each string.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 5 * count);
        Assert.Equal((new TensorShape(count), 4 * count), (y.Shape, y.Data.Length));
        Assert.Equal(-1, y.Data.Span.IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [InlineData("one too few", "it has 2 strings, its shape asks for 3")]
    [InlineData("one too many", "it has 4 strings, its shape asks for 3")]
    [InlineData("cut prefix", "string 3 has a length prefix of 2 bytes instead of 4")]
    [InlineData("a gibibyte", "string 2 has 1073741824 bytes by its prefix, but only 3 are left")]
    [InlineData("more than can be", "string 2 has 4294967295 bytes by its prefix, but only 3 are left")]
    [InlineData("other count", "it has 9 strings, its shape asks for 3")]
    [InlineData("uncountable", "has more elements than can be counted")]
    public void Lengths_that_are_not_true_are_the_callers_fault_and_take_nothing(string misfit, string why)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        byte[] three = [.. Enumerable.Repeat(BytesElements.Single("abc"u8), 3).SelectMany(one => one)];
        Tensor whole = new("x", ElementType.Bytes, new TensorShape(3), three);
        Tensor x = misfit switch
        {
            "one too few" => whole with { Data = three.AsMemory(0, 14) },
            "one too many" => whole with { Data = (byte[])[.. three, 0, 0, 0, 0] },
            "cut prefix" => whole with { Data = (byte[])[.. three, 0, 0] },
            "a gibibyte" => whole with { Data = WithLength(three, 1u << 30) },
            "more than can be" => whole with { Data = WithLength(three, uint.MaxValue) },
            "other count" => new Tensor("x", ElementType.Bytes, new TensorShape(3), new TensorPayload.Inline(three, 9)),
            _ => whole with { Shape = new TensorShape(1L << 40) },
        };
        if (misfit == "uncountable")
        {
            instance = bench.Load(
                new TinyOnnx().Input("x", Element.String, "n", "m").Output("y", Element.String, "n", "m").Node("Identity", ["x"], ["y"])
            );
            x = whole with { Shape = new TensorShape(1L << 40, 1L << 40) };
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, x));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, bench.Driver.Snapshot(0).Launches);
    }

    [Fact]
    public void Strings_that_come_out_longer_than_what_comes_back_fail_their_forward_alone()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Texts(), maxOutput: 100);
        ForwardException failed = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Workbench.Strings("x", [1], new string('x', 97)))
        );
        Assert.Equal(
            (FailureKind.BackendFailed, "The outputs that are wanted take 101 bytes together; at most 100 come back (max-output)."),
            (failed.Kind, failed.Message)
        );
        Assert.Equal(
            [new string('x', 96)],
            Workbench.Strings(Workbench.Forward(instance, Workbench.Strings("x", [1], new string('x', 96)))[0])
        );
    }

    [Theory]
    [InlineData("y", "The outputs that are wanted take 33554436 bytes together; at most 100 come back (max-output).")]
    [InlineData("n", null)]
    public void Strings_that_do_not_come_back_take_no_memory_of_the_host(string wanted, string? failure)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(
            new TinyOnnx()
                .Input("x", Element.String, "n")
                .Output("y", Element.String, "n")
                .Output("n", Element.Int64, 1)
                .Node("Identity", ["x"], ["y"])
                .Node("Shape", ["x"], ["n"]),
            maxOutput: 100
        );
        Workbench.Forward(instance, Workbench.Strings("x", [1], "a"));
        Tensor x = Workbench.Strings("x", [1], new string('x', 32 << 20));
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Exception? refused = Record.Exception(() => lane.Submit([new LaneForward([x], [wanted])], ModeSettings.Default, () => { }));

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
            Assert.Equal(failure, refused?.Message);
            if (failure is null)
            {
                Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
                Assert.Equal([1], Workbench.Longs(Assert.Single(lane.TakeOutputs(0))));
            }
        }
    }

    [Fact]
    public void Strings_on_lease_are_read_where_they_lie_and_come_back_on_lease()
    {
        using var bench = new Workbench();
        using HostMemory memory = new();
        ModuleInstance instance = bench.Load(TinyModels.Texts());
        byte[] data = BytesElements.Single("leased"u8);
        TensorLease lease = memory.Lease(data.Length);
        data.CopyTo(lease.GetSpan());
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            Tensor x = new("x", ElementType.Bytes, new TensorShape(1), new TensorPayload.Leased(lease, 1));
            lane.Submit([new LaneForward([x], [])], ModeSettings.Default, () => { });

            // Whoever lent them has them back: the forward is computed.
            lease.Release();
            Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
            Tensor y = Assert.Single(lane.TakeOutputs(0, memory));
            Assert.Equal(["leased"], Workbench.Strings(y));
            y.Lease!.Release();
        }
    }

    [Fact]
    public void Strings_that_fail_the_model_fail_their_forward_alone()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.TextsAndNumbers());
        Tensor x = Workbench.Longs("x", [1], 1);
        ForwardException failed = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, x, Workbench.Strings("text", [1], "no number"))
        );
        Assert.Equal(FailureKind.BackendFailed, failed.Kind);
        Assert.Equal([3], Workbench.Longs(Workbench.Forward(instance, x, Workbench.Strings("text", [1], "2"))[1]));
    }

    [Theory]
    [InlineData(CudaGraphsMode.PerSegment)]
    [InlineData(CudaGraphsMode.WholeModule)]
    [InlineData(CudaGraphsMode.Auto)]
    public void A_module_with_strings_is_never_recorded(CudaGraphsMode graphs)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.TextsAndNumbers());
        ModeSettings settings = ModeSettings.Default with { CudaGraphs = graphs, PreAllocatedOutputs = true };
        foreach (string text in new[] { "1", "2", "3", "4" })
        {
            Tensor[] outputs = Workbench.Forward(instance, settings, Workbench.Longs("x", [1], 10), Workbench.Strings("text", [1], text));
            Assert.Equal([10 + int.Parse(text)], Workbench.Longs(outputs[1]));
        }

        Assert.Equal(0, bench.Driver.Snapshot(0).Captures);
        Assert.False(instance.Traits.CudaGraphs);
    }

    [Fact]
    public void Callers_on_a_device_are_told_that_strings_are_on_the_host()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Texts());
        using var caller = new DeviceCaller(bench, module);
        ForwardException refused = Assert.Throws<ForwardException>(() => caller.Upload(Workbench.Strings("x", [1], "a")));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        refused = Assert.Throws<ForwardException>(() => module.Forward([], new DeviceTensor[1], CallerStream.None));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains("Call the module with host tensors", refused.Message, StringComparison.Ordinal);
    }

    private static byte[] WithLength(byte[] strings, uint length)
    {
        byte[] changed = [.. strings];
        BinaryPrimitives.WriteUInt32LittleEndian(changed.AsSpan(14), length);
        return changed;
    }
}
