namespace Troupe.TestSupport.Onnx;

/// <summary>Small modules of several segments.</summary>
public static class TinyModules
{
    /// <summary>y = 24 x over [n,4], as engine, fallback, engine: 2, 3 and 4 times.</summary>
    public static string Hybrid(ModuleFolder folder, int middleDevice = 0, string rows = "\"n\"")
    {
        folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        folder.Write("b.onnx", TinyModels.Scale(3, "t", "u"));
        folder.Write("c.onnx", TinyModels.Scale(4, "u", "y"));
        return folder.Write(
            "module.json",
            $$"""
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [{{rows}}, 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": [{{rows}}, 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x"], "outputs": ["t"] },
                { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "device": {{middleDevice}}, "inputs": ["t"], "outputs": ["u"] },
                { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "c.onnx", "inputs": ["u"], "outputs": ["y"] }] }
            """
        );
    }

    /// <summary>total = sum of a cache after x was added to it in place; the cache is input and output at once.</summary>
    public static string Cache(ModuleFolder folder)
    {
        folder.Write(
            "cache.onnx",
            new TinyOnnx()
                .Input("cache", TinyOnnx.Element.Float, 64)
                .Input("x", TinyOnnx.Element.Float, 1)
                .Output("total", TinyOnnx.Element.Float, 1)
                .Output("updated", TinyOnnx.Element.Float, 64)
                .Node("Add", ["cache", "x"], ["updated"])
                .Node("ReduceSum", ["updated"], ["sum"], ("keepdims", 0))
                .Constant("one", [1L], 1)
                .Node("Reshape", ["sum", "one"], ["total"])
        );
        return folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "cache", "dtype": "FP32", "shape": [64] }, { "name": "x", "dtype": "FP32", "shape": [1] }],
              "outputs": [{ "name": "total", "dtype": "FP32", "shape": [1] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "cache.onnx", "inputs": ["cache", "x"], "outputs": ["total", "updated"],
                  "aliases": [{ "output": "updated", "input": "cache" }] }] }
            """
        );
    }
}
