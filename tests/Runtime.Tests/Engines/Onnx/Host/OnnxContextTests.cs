using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Onnx.Host;

/// <summary>ONNX Runtime on the host as an emulated device's engine: outputs follow the shapes of each call, whatever came
/// before.</summary>
public sealed class OnnxContextTests
{
    [Fact]
    public void Outputs_follow_the_shapes_of_each_call()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Scale(2), lanes: 1);
        foreach (int rows in (int[])[1, 3, 1, 2])
        {
            float[] values = [.. Enumerable.Range(0, rows * 4).Select(value => (float)value)];
            Tensor output = Assert.Single(Workbench.Forward(instance, Workbench.Floats("x", [rows, 4], values)));
            Assert.Equal(new TensorShape(rows, 4), output.Shape);
            Assert.Equal(values.Select(value => 2 * value), Workbench.Floats(output));
        }
    }

    [Fact]
    public void Bytes_that_are_no_model_are_refused_and_leave_nothing_on_the_device()
    {
        using var bench = new Workbench();
        string path = bench.Folder.Write("broken.onnx", [8, 7, 1, 2, 3]);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Empty(bench.Driver.Alive());
    }
}
