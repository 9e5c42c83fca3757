namespace Troupe.TestSupport.Onnx;

/// <summary>Modules of one emulated engine: an ONNX model under TensorRT's rules.</summary>
public static class EmulatedModels
{
    /// <summary>y = 2 x over [n,seq,16], with two profiles: seq 1 only, and seq 1 to 32 (batches of 4).</summary>
    public static string TwoProfiles(ModuleFolder folder, string more = "")
    {
        folder.Write(
            "net.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, "n", "seq", 16)
                .Output("y", TinyOnnx.Element.Float, "n", "seq", 16)
                .Constant("two", [2f], 1)
                .Node("Mul", ["x", "two"], ["y"])
        );
        return Module(
            folder,
            "x",
            """["n", "seq", 16]""",
            "y",
            """["n", "seq", 16]""",
            "FP32",
            $$"""
            { "onnx": "net.onnx",
              "profiles": [
                [{ "input": "x", "min": [1, 1, 16], "opt": [4, 1, 16], "max": [4, 1, 16] }],
                [{ "input": "x", "min": [1, 1, 16], "opt": [4, 32, 16], "max": [4, 32, 16] }]]{{more}} }
            """
        );
    }

    /// <summary>y = 2 x over [n,4], with what the rest of the manifest says.</summary>
    public static string Scaled(ModuleFolder folder, string more = "", string segment = "")
    {
        folder.Write("net.onnx", TinyModels.Scale(2));
        return Module(folder, "x", """["n", 4]""", "y", """["n", 4]""", "FP32", $$"""{ "onnx": "net.onnx"{{more}} }""", segment);
    }

    /// <summary>z = 6 x over [n,4]: an emulated engine with what the rest of its manifest says, and a fallback segment behind it.</summary>
    public static string WithFallback(ModuleFolder folder, string more)
    {
        Scaled(folder, more);
        folder.Write("after.onnx", TinyModels.Scale(3, "y", "z"));
        return folder.Write(
            "mixed.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "z", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["x"], "outputs": ["y"] },
                { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "after.onnx", "inputs": ["y"], "outputs": ["z"] }] }
            """
        );
    }

    /// <summary>where = indexes of what is not zero, by an engine that was built to require an output allocator.</summary>
    public static string NonZero(ModuleFolder folder, bool requiresAllocator)
    {
        folder.Write("net.onnx", TinyModels.NonZero());
        return Module(
            folder,
            "x",
            """["n"]""",
            "where",
            """[1, "found"]""",
            "INT64",
            $$"""{ "onnx": "net.onnx", "requiresOutputAllocator": {{(requiresAllocator ? "true" : "false")}} }"""
        );
    }

    /// <summary>As <see cref="Expanded"/>, with a profile for sizes of 1 to 4 rows and one for 5 to 16.</summary>
    public static string ExpandedWithProfiles(ModuleFolder folder) =>
        Expanded(
            folder,
            """
            , "profiles": [
                [{ "input": "size", "min": [1, 4], "opt": [4, 4], "max": [4, 4] }],
                [{ "input": "size", "min": [5, 4], "opt": [8, 4], "max": [16, 4] }]]
            """
        );

    /// <summary>y = x expanded to [size[0], 4], where size is a shape tensor.</summary>
    public static string Expanded(ModuleFolder folder, string more = "")
    {
        folder.Write(
            "net.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, 1, 4)
                .Input("size", TinyOnnx.Element.Int64, 2)
                .Output("y", TinyOnnx.Element.Float, "rows", "columns")
                .Node("Expand", ["x", "size"], ["y"])
        );
        folder.Write(
            "engine.json",
            $$"""{ "onnx": "net.onnx", "shapeTensors": ["size"], "shapes": [{ "output": "y", "dimensions": ["size[0]", "4"] }]{{more}} }"""
        );
        return folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [1, 4] }, { "name": "size", "dtype": "INT64", "shape": [2] }],
              "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["rows", "columns"] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["x", "size"], "outputs": ["y"] }] }
            """
        );
    }

    /// <summary>y = 2 * 3 x over [n,4] by two engines that can stream these bytes.</summary>
    public static string TwoStreamable(ModuleFolder folder, long first, long second, string automatic = "")
    {
        folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        folder.Write("b.onnx", TinyModels.Scale(3, "t", "y"));
        folder.Write("a.json", $$"""{ "onnx": "a.onnx", "streamableBytes": {{first}}{{automatic}} }""");
        folder.Write("b.json", $$"""{ "onnx": "b.onnx", "streamableBytes": {{second}} }""");
        return folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "emulated", "file": "a.json", "inputs": ["x"], "outputs": ["t"] },
                { "name": "_run_on_acc_1", "backend": "emulated", "file": "b.json", "inputs": ["t"], "outputs": ["y"] }] }
            """
        );
    }

    private static string Module(
        ModuleFolder folder,
        string input,
        string inputShape,
        string output,
        string outputShape,
        string outputType,
        string engine,
        string segment = ""
    )
    {
        folder.Write("engine.json", engine);
        return folder.Write(
            "module.json",
            $$"""
            { "inputs": [{ "name": "{{input}}", "dtype": "FP32", "shape": {{inputShape}} }],
              "outputs": [{ "name": "{{output}}", "dtype": "{{outputType}}", "shape": {{outputShape}} }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["{{input}}"], "outputs": ["{{output}}"]{{segment}} }] }
            """
        );
    }
}
