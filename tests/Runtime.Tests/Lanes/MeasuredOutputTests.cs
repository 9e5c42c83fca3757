using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>Outputs whose shape input shapes do not tell: data-dependent ones, and ones only ONNX Runtime can infer.</summary>
public sealed class MeasuredOutputTests
{
    [Fact, Trait("row", "OA-03")]
    public void A_data_dependent_output_has_the_shape_its_data_give()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.NonZero());
        Assert.True(instance.Graph.HasDataDependentShapes);
        foreach (
            (float[] x, long[] where) in new (float[], long[])[]
            {
                ([0, 3, 0, 4], [1, 3]),
                ([1, 1, 1, 1], [0, 1, 2, 3]),
                ([0, 0, 0, 0], []),
                ([0, 3, 0, 4], [1, 3]),
            }
        )
        {
            Tensor found = Workbench.Forward(instance, Workbench.Floats("x", [4], x))[0];
            Assert.Equal(new TensorShape(1, where.Length), found.Shape);
            Assert.Equal(where, Workbench.Longs(found));
        }
    }

    [Fact]
    public void A_shape_that_only_running_tells_is_measured_once_and_remembered()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Doubled());
        Assert.False(instance.Graph.HasDataDependentShapes);

        Assert.Equal([1, 2, 1, 2], Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [2], 1, 2))[0]));
        EmulatedDeviceSnapshot before = bench.Driver.Snapshot(0);
        Assert.Equal([3, 4, 3, 4], Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [2], 3, 4))[0]));
        Assert.Equal(1, (bench.Driver.Snapshot(0) - before).Launches);
    }

    [Fact]
    public void A_segment_behind_a_data_dependent_one_takes_its_shape_as_it_comes()
    {
        using var bench = new Workbench();
        bench.Folder.Write("a.onnx", TinyModels.NonZero("x", "where"));
        bench.Folder.Write(
            "b.onnx",
            new TinyOnnx()
                .Input("where", TinyOnnx.Element.Int64, 1, "k")
                .Output("next", TinyOnnx.Element.Int64, 1, "k")
                .Constant("ten", [10L], 1)
                .Node("Add", ["where", "ten"], ["next"])
        );
        ModuleInstance instance = bench.Load(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n"] }], "outputs": [{ "name": "next", "dtype": "INT64", "shape": [1, "k"] }],
                  "segments": [
                    { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x"], "outputs": ["where"] },
                    { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["where"], "outputs": ["next"] }] }
                """
            )
        );
        Assert.Equal([11, 13], Workbench.Longs(Workbench.Forward(instance, Workbench.Floats("x", [4], 0, 3, 0, 4))[0]));
        Assert.Equal([10], Workbench.Longs(Workbench.Forward(instance, Workbench.Floats("x", [4], 1, 0, 0, 0))[0]));
    }
}
