using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Probes;

/// <summary>Small files that cost much while they are loaded: ONNX Runtime computes what is constant then.</summary>
internal static class ProbeModels
{
    /// <summary>y = x + 0, with products of constants beside it that take minutes.</summary>
    public static TinyOnnx Slow()
    {
        TinyOnnx model = Constant(3000, 3000);
        for (int step = 0; step < 400; step++)
        {
            model.Node("MatMul", [$"c{step}", "c0"], [$"c{step + 1}"]);
        }

        return Reduced(model, "c400");
    }

    /// <summary>y = x + 0, with a constant of 1 GiB beside it.</summary>
    public static TinyOnnx Large() => Reduced(Constant(1 << 14, 1 << 14), "c0");

    private static TinyOnnx Constant(long rows, long columns) =>
        new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, "n", 3)
            .Output("y", TinyOnnx.Element.Float, "n", 3)
            .Constant("size", [rows, columns], 2)
            .Node("ConstantOfShape", ["size"], ["c0"]);

    private static TinyOnnx Reduced(TinyOnnx model, string constant) =>
        model.Node("ReduceMax", [constant], ["max"], ("keepdims", 0)).Node("Add", ["x", "max"], ["y"]);
}
