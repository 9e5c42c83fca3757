using Troupe.Hosting.Demo;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Modes;

/// <summary>The modules of the mode benchmarks: engine, fallback, engine, where engines are emulated ones with profiles and streamable
/// weights.</summary>
internal static class ModeModules
{
    /// <summary>y = 24 x over four floats: nothing but overhead.</summary>
    public static (string Path, Tensor Input) Tiny(ModuleFolder folder)
    {
        folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        folder.Write("b.onnx", TinyModels.Scale(3, "t", "u"));
        folder.Write("c.onnx", TinyModels.Scale(4, "u", "y"));
        folder.Write("a.json", Engine("a.onnx", "x", "4"));
        folder.Write("b.json", """{ "onnx": "b.onnx" }""");
        folder.Write("c.json", Engine("c.onnx", "u", "4"));
        string path = folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "emulated", "file": "a.json", "inputs": ["x"], "outputs": ["t"] },
                { "name": "_run_on_gpu_0", "backend": "emulated", "file": "b.json", "inputs": ["t"], "outputs": ["u"] },
                { "name": "_run_on_acc_1", "backend": "emulated", "file": "c.json", "inputs": ["u"], "outputs": ["y"] }] }
            """
        );
        return (path, new Tensor("x", ElementType.Fp32, new TensorShape(1, 4), new byte[16]));
    }

    /// <summary>The Fashion-MNIST classifier, a softmax as fallback, and the choice of the likeliest class, on one picture.</summary>
    public static (string Path, Tensor Input) Classifier(ModuleFolder folder)
    {
        FashionModule.Write(folder.Path, File.ReadAllBytes(SampleFiles.FashionMnistModel));
        folder.Write("classifier.json", Engine("classifier.onnx", "image", "1, 28, 28"));
        folder.Write("softmax.json", """{ "onnx": "softmax.onnx" }""");
        folder.Write("choice.json", """{ "onnx": "choice.onnx" }""");
        string path = folder.Write(
            "module.json",
            FashionModule
                .Manifest.Replace("onnxruntime", "emulated", StringComparison.Ordinal)
                .Replace(".onnx", ".json", StringComparison.Ordinal)
        );
        return (path, new Tensor("image", ElementType.Fp32, new TensorShape(1, 1, 28, 28), FashionMnist.Read().Images[0]));
    }

    private static string Engine(string onnx, string input, string shape) =>
        $$"""
            { "onnx": "{{onnx}}", "streamableBytes": 200000, "workspaceBytes": 65536,
              "profiles": [
                [{ "input": "{{input}}", "min": [1, {{shape}}], "opt": [1, {{shape}}], "max": [4, {{shape}}] }],
                [{ "input": "{{input}}", "min": [1, {{shape}}], "opt": [8, {{shape}}], "max": [64, {{shape}}] }]] }
            """;
}
