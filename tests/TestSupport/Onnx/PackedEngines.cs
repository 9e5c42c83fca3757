using System.Text;
using Troupe.Runtime.Engines.Emulated;

namespace Troupe.TestSupport.Onnx;

/// <summary>Small engines as emulated plans: what a serialized TensorRT engine is where there is none.</summary>
internal static class PackedEngines
{
    public static byte[] Of(TinyOnnx model, string more = "") =>
        EmulatedPlan.Write(Encoding.UTF8.GetBytes($$"""{ "onnx": "net.onnx"{{more}} }"""), model.ToBytes());

    /// <summary>y = scale * x over [n,4].</summary>
    public static byte[] Scale(float scale, string from = "x", string to = "y", string more = "") =>
        Of(TinyModels.Scale(scale, from, to), more);

    /// <summary>a = 2 x and b = 3 x, both over [n,4].</summary>
    public static byte[] Split(string more = "") =>
        Of(
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, "n", 4)
                .Output("a", TinyOnnx.Element.Float, "n", 4)
                .Output("b", TinyOnnx.Element.Float, "n", 4)
                .Constant("two", [2f], 1)
                .Constant("three", [3f], 1)
                .Node("Mul", ["x", "two"], ["a"])
                .Node("Mul", ["x", "three"], ["b"]),
            more
        );

    /// <summary>difference = minuend - subtrahend over [n,4]: a program that connects them the wrong way round gets another sign.</summary>
    public static byte[] Difference(string minuend = "p", string subtrahend = "q", string to = "r", string more = "") =>
        Of(
            new TinyOnnx()
                .Input(minuend, TinyOnnx.Element.Float, "n", 4)
                .Input(subtrahend, TinyOnnx.Element.Float, "n", 4)
                .Output(to, TinyOnnx.Element.Float, "n", 4)
                .Node("Sub", [minuend, subtrahend], [to]),
            more
        );

    /// <summary>total = sum of a cache after x was added to it in place; the cache is written at the address it came from.</summary>
    public static byte[] Cache(string more = """, "aliases": [{ "output": "updated", "input": "cache" }]""") =>
        Of(
            new TinyOnnx()
                .Input("cache", TinyOnnx.Element.Float, 64)
                .Input("x", TinyOnnx.Element.Float, 1)
                .Output("total", TinyOnnx.Element.Float, 1)
                .Output("updated", TinyOnnx.Element.Float, 64)
                .Node("Add", ["cache", "x"], ["updated"])
                .Node("ReduceSum", ["updated"], ["sum"], ("keepdims", 0))
                .Constant("one", [1L], 1)
                .Node("Reshape", ["sum", "one"], ["total"]),
            more
        );

    /// <summary>y = 2 x over [n,seq,16] with two profiles: seq 1 only, and seq 1 to 32.</summary>
    public static byte[] TwoProfiles() =>
        Of(
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, "n", "seq", 16)
                .Output("y", TinyOnnx.Element.Float, "n", "seq", 16)
                .Constant("two", [2f], 1)
                .Node("Mul", ["x", "two"], ["y"]),
            """
            , "profiles": [
                [{ "input": "x", "min": [1, 1, 16], "opt": [4, 1, 16], "max": [4, 1, 16] }],
                [{ "input": "x", "min": [1, 1, 16], "opt": [4, 32, 16], "max": [4, 32, 16] }]]
            """
        );
}
