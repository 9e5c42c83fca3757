using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Onnx.Host;

/// <summary>Models whose files declare what is not so, leave out what could be known, or stand in an order of their own: the answers are
/// those of ONNX Runtime called directly.</summary>
public sealed class ModelsAsTheyAreTests
{
    private static readonly ModeSettings Graphs = ModeSettings.Default with { CudaGraphs = CudaGraphsMode.WholeModule };
    private static readonly ModeSettings Sets = ModeSettings.Default with { PreAllocatedOutputs = true };

    public static TheoryData<ModeSettings> Settings =>
        [
            ModeSettings.Default,
            Graphs,
            Sets,
            Graphs with
            {
                PreAllocatedOutputs = true,
            },
            ModeSettings.Default with
            {
                OutputAllocator = true,
            },
        ];

    [Theory, MemberData(nameof(Settings))]
    public void An_output_is_as_large_as_it_comes_out_whatever_size_was_declared(ModeSettings settings)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("fixed_out"), lanes: 1);
        foreach (int rows in (int[])[4, 1, 4, 4, 0, 2, 4])
        {
            float[] values = Alternating(rows * 3);
            Tensor output = Assert.Single(Workbench.Forward(instance, settings, Workbench.Floats("x", [rows, 3], values)));
            Assert.Equal(new TensorShape(rows, 3), output.Shape);
            Assert.Equal(values.Select(value => Math.Max(value, 0)), Workbench.Floats(output));
        }
    }

    [Fact]
    public void A_shape_that_was_found_once_is_bound_recorded_and_costs_no_second_run()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("fixed_out"), lanes: 1);
        for (int call = 0; call < 5; call++)
        {
            Workbench.Forward(instance, Graphs, Workbench.Floats("x", [4, 3], Alternating(12)));
        }

        InstanceCountsOf(instance, out long captures, out long failed, out long replays);
        Assert.Equal(0, failed);
        Assert.InRange(captures, 1, 2);
        Assert.InRange(replays, 5, 6);
    }

    [Fact]
    public void A_caller_on_device_tensors_meets_a_wrong_declaration_once_and_not_again()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(CaseModels.PathOf("fixed_out"));
        using var caller = new DeviceCaller(bench, module);
        Tensor x = Workbench.Floats("x", [4, 3], Alternating(12));
        caller.Call(x).Return();
        for (int call = 0; call < 2; call++)
        {
            DeviceTensor output = caller.Call(x);
            Assert.Equal(new TensorShape(4, 3), output.Shape);
            Assert.Equal(Alternating(12).Select(value => Math.Max(value, 0)), caller.Floats(output));
            output.Return();
        }
    }

    [Fact]
    public void An_output_has_the_rank_that_it_comes_out_with()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("rank_out"));
        float[] values = Alternating(6);
        Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("x", [2, 3], values)));
        Assert.Equal(new TensorShape(1, 2, 3), output.Shape);
        Assert.Equal(values, Workbench.Floats(output));
    }

    [Theory, MemberData(nameof(Settings))]
    public void Nodes_may_stand_in_any_order(ModeSettings settings)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("unsorted"), lanes: 1);
        ModeSettings plain = settings with { CudaGraphs = CudaGraphsMode.Off };
        foreach (
            (float[] given, float[] where) in (ReadOnlySpan<(float[], float[])>)[([1, 2, 0], [0, 1]), ([0, 0, 3], [2]), ([0, 0, 0], [])]
        )
        {
            Tensor output = Assert.Single(Workbench.Forward(instance, plain, Workbench.Floats("x", [3], given)));
            Assert.Equal(new TensorShape(1, where.Length), output.Shape);
            Assert.Equal(where, Workbench.Floats(output));
        }
    }

    [Theory, MemberData(nameof(Settings))]
    public void An_output_that_was_declared_fixed_and_depends_on_data_is_measured_from_its_first_contradiction_on(ModeSettings settings)
    {
        using var bench = new Workbench();
        TinyOnnx lying = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, 3)
            .Output("where", TinyOnnx.Element.Int64, 1, 3)
            .Node("NonZero", ["x"], ["where"]);
        ModuleInstance instance = bench.Load(lying, lanes: 1);
        foreach (
            (float[] given, long[] where) in (ReadOnlySpan<(float[], long[])>)
                [
                    ([1, 2, 3], [0, 1, 2]),
                    ([4, 5, 6], [0, 1, 2]),
                    ([7, 8, 9], [0, 1, 2]),
                    ([0, 0, 3], [2]),
                    ([1, 1, 1], [0, 1, 2]),
                    ([0, 0, 0], []),
                ]
        )
        {
            Tensor output = Assert.Single(Workbench.Forward(instance, settings, Workbench.Floats("x", [3], given)));
            Assert.Equal(new TensorShape(1, where.Length), output.Shape);
            Assert.Equal(where, Workbench.Longs(output));
        }

        Assert.Equal(0, instance.Snapshot().Counts.FailedCaptures);
    }

    [Fact]
    public void Every_lane_finds_out_for_itself_what_another_found_before()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("fixed_out"), lanes: 2);
        using Troupe.Runtime.Lanes.HostLane first = instance.Lease();
        using Troupe.Runtime.Lanes.HostLane second = instance.Lease();
        foreach (Troupe.Runtime.Lanes.HostLane lane in (Troupe.Runtime.Lanes.HostLane[])[first, second, first, second])
        {
            Tensor output = Assert.Single(Workbench.Finish(lane, [Workbench.Floats("x", [4, 3], Alternating(12))], Graphs));
            Assert.Equal(new TensorShape(4, 3), output.Shape);
        }
    }

    [Fact]
    public void An_input_without_a_rank_takes_any_and_its_output_follows()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("norank_in"));
        Assert.True(Assert.Single(instance.Module.Inputs).IsRankFree);
        foreach (
            long[] shape in (long[][])
                [
                    [4, 3],
                    [],
                    [2, 1, 6],
                    [12],
                    [0, 3],
                    [4, 3],
                ]
        )
        {
            float[] values = Alternating((int)new TensorShape(shape).ElementCount);
            Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("x", shape, values)));
            Assert.Equal(new TensorShape(shape), output.Shape);
            Assert.Equal(values.Select(value => Math.Max(value, 0)), Workbench.Floats(output));
        }
    }

    [Fact]
    public void An_output_without_a_rank_has_the_one_that_it_comes_out_with()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("norank_out"));
        foreach (
            long[] shape in (long[][])
                [
                    [2, 2],
                    [4],
                    [1, 4, 1],
                    [2, 2],
                ]
        )
        {
            Tensor output = Assert.Single(
                Workbench.Forward(instance, Workbench.Floats("x", [4], 1, 2, 3, 4), Workbench.Longs("s", [shape.Length], shape))
            );
            Assert.Equal(new TensorShape(shape), output.Shape);
            Assert.Equal([1, 2, 3, 4], Workbench.Floats(output));
        }
    }

    [Fact]
    public void More_dimensions_than_a_tensor_can_have_are_a_typed_failure()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("norank_out"));
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Workbench.Floats("x", [4], 1, 2, 3, 4), Workbench.Longs("s", [9], 4, 1, 1, 1, 1, 1, 1, 1, 1))
        );
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains("rank 9", refused.Message, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(Settings))]
    public void An_output_may_be_an_input(ModeSettings settings)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("passthrough"), lanes: 1);
        foreach (int rows in (int[])[1, 1, 2, 1])
        {
            float[] values = Alternating(rows * 3);
            Tensor[] outputs = Workbench.Forward(instance, settings, Workbench.Floats("x", [rows, 3], values));
            Assert.Equal(["y", "x"], outputs.Select(output => output.Name));
            Assert.Equal(values.Select(value => Math.Max(value, 0)), Workbench.Floats(outputs[0]));
            Assert.Equal(values, Workbench.Floats(outputs[1]));
        }
    }

    [Theory, MemberData(nameof(Settings))]
    public void An_output_may_be_a_constant_or_stand_for_another(ModeSettings settings)
    {
        using var bench = new Workbench();
        TinyOnnx model = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, "n")
            .Output("w", TinyOnnx.Element.Float, 2)
            .Output("y", TinyOnnx.Element.Float, "n")
            .Output("z", TinyOnnx.Element.Float, "n")
            .Constant("w", [7f, 8f], 2)
            .Node("Relu", ["x"], ["y"])
            .Node("Identity", ["y"], ["z"]);
        ModuleInstance instance = bench.Load(model, lanes: 1);
        for (int call = 0; call < 3; call++)
        {
            Tensor[] outputs = Workbench.Forward(instance, settings, Workbench.Floats("x", [3], -1, call, 2));
            Assert.Equal([7, 8], Workbench.Floats(outputs[0]));
            Assert.Equal([0, call, 2], Workbench.Floats(outputs[1]));
            Assert.Equal([0, call, 2], Workbench.Floats(outputs[2]));
        }
    }

    [Theory, MemberData(nameof(Settings))]
    public void An_initializer_that_is_an_input_too_may_be_given_and_left_out(ModeSettings settings)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.ScaledByInput(), lanes: 1);
        Assert.Equal([false, true], instance.Module.Inputs.Select(input => input.IsOptional));
        Tensor x = Workbench.Floats("x", [2], 1, 2);
        foreach (float scale in (float[])[3, 5, 3, 0, 3])
        {
            Tensor[] given = scale == 3 ? [x] : [Workbench.Floats("scale", [1], scale), x];
            Assert.Equal([scale, 2 * scale], Workbench.Floats(Assert.Single(Workbench.Forward(instance, settings, given))));
        }
    }

    [Fact]
    public void What_has_to_be_given_is_not_replaced_by_what_may_be()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.ScaledByInput());
        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, Workbench.Floats("scale", [1], 4)));
        Assert.Equal("Wrong number of inputs, expected 2 got 1.", refused.Message);
    }

    [Fact]
    public void A_shape_that_may_be_given_makes_an_output_of_that_shape()
    {
        using var bench = new Workbench();
        TinyOnnx model = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, 4)
            .Input("shape", TinyOnnx.Element.Int64, 2)
            .Output("y", TinyOnnx.Element.Float, "a", "b")
            .Constant("shape", [2L, 2L], 2)
            .Node("Reshape", ["x", "shape"], ["y"]);
        ModuleInstance instance = bench.Load(model, lanes: 1);
        Tensor x = Workbench.Floats("x", [4], 1, 2, 3, 4);
        foreach (long rows in (long[])[2, 4, 1, 2])
        {
            Tensor[] given = rows == 2 ? [x] : [x, Workbench.Longs("shape", [2], rows, 4 / rows)];
            Assert.Equal(new TensorShape(rows, 4 / rows), Assert.Single(Workbench.Forward(instance, Graphs, given)).Shape);
        }
    }

    [Fact]
    public void Weights_that_a_file_lists_as_inputs_are_weights()
    {
        using var bench = new Workbench();
        TinyOnnx model = new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, "n", 1)
            .Input("w", TinyOnnx.Element.Float, 1, 20_000)
            .Input("small", TinyOnnx.Element.Float, 1)
            .Output("y", TinyOnnx.Element.Float, "n", 20_000)
            .Constant("w", new float[20_000], 1, 20_000)
            .Constant("small", [1f], 1)
            .Node("MatMul", ["x", "w"], ["t"])
            .Node("Add", ["t", "small"], ["y"]);
        Assert.Equal("x", Assert.Single(bench.Load(model).Module.Inputs).Name);
    }

    [Fact]
    public void Weights_in_files_may_stand_in_the_graphs_of_branches()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("exts_ok"));
        foreach (bool branch in (bool[])[true, false])
        {
            Tensor condition = new("c", ElementType.Bool, new TensorShape(), new byte[] { branch ? (byte)1 : (byte)0 });
            Tensor output = Assert.Single(Workbench.Forward(instance, condition, Workbench.Floats("x", [2, 2], 10, 20, 30, 40)));
            Assert.Equal([11, 22, 31, 42], Workbench.Floats(output));
        }
    }

    [Fact]
    public void Weights_in_files_may_stand_in_the_value_of_a_constant()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("extc_ok"));
        Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("x", [2, 2], 10, 20, 30, 40)));
        Assert.Equal([11, 22, 31, 42], Workbench.Floats(output));
    }

    [Fact]
    public void A_free_dimension_may_be_declared_as_minus_one()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(CaseModels.PathOf("minus1"));
        Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("x", [5, 3], Alternating(15))));
        Assert.Equal(new TensorShape(5, 3), output.Shape);
    }

    [Fact]
    public void Inputs_that_are_written_in_place_are_as_they_were_when_a_forward_runs_once_more()
    {
        using var bench = new Workbench();
        bench.Folder.Write("grow.onnx", TinyModels.Scale(2, "cache", "grown"));
        bench.Folder.Write(
            "wrong.onnx",
            new TinyOnnx()
                .Input("grown", TinyOnnx.Element.Float, "n", 4)
                .Output("y", TinyOnnx.Element.Float, 1, 4)
                .Constant("zero", [0f], 1)
                .Node("Add", ["grown", "zero"], ["y"])
        );
        string module = bench.Folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "cache", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["m", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "grow.onnx", "inputs": ["cache"], "outputs": ["grown"],
                  "aliases": [{ "output": "grown", "input": "cache" }] },
                { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "wrong.onnx", "inputs": ["grown"], "outputs": ["y"] }] }
            """
        );
        ModuleInstance instance = bench.Load(module, lanes: 1);
        Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("cache", [2, 4], 1, 2, 3, 4, 5, 6, 7, 8)));
        Assert.Equal([2, 4, 6, 8, 10, 12, 14, 16], Workbench.Floats(output));
    }

    [Fact]
    public void A_fault_of_the_computation_is_no_wrong_shape_and_leaves_the_next_forward_as_it_was()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Pick(), lanes: 1);
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Graphs, Workbench.Floats("x", [2], 5, 6), Workbench.Longs("i", [1], 7))
        );
        Assert.Equal(FailureKind.BackendFailed, refused.Kind);
        Tensor output = Assert.Single(Workbench.Forward(instance, Graphs, Workbench.Floats("x", [2], 5, 6), Workbench.Longs("i", [1], 1)));
        Assert.Equal([6], Workbench.Floats(output));
    }

    private static void InstanceCountsOf(ModuleInstance instance, out long captures, out long failed, out long replays) =>
        (captures, failed, replays) = (
            instance.Snapshot().Counts.Captures,
            instance.Snapshot().Counts.FailedCaptures,
            instance.Snapshot().Counts.Replays
        );

    private static float[] Alternating(int count) =>
        [.. Enumerable.Range(0, count).Select(value => value % 2 == 0 ? value : (float)-value)];
}
