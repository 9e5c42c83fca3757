using static Troupe.TestSupport.Onnx.TinyOnnx;

namespace Troupe.TestSupport.Onnx;

/// <summary>
/// Writes the sample module <c>fashion</c>: the Fashion-MNIST classifier as one engine segment, a softmax as fallback segment, and the
/// choice of the
/// likeliest class as a second engine segment. The files under <c>Hosting/Samples</c> are what this writes; a test compares them.
/// </summary>
public static class FashionModule
{
    public const string Manifest = """
        {
          "version": 1,
          "inputs": [{ "name": "image", "dtype": "FP32", "shape": ["n", 1, 28, 28], "min": [1, 1, 28, 28], "opt": [8, 1, 28, 28], "max": [256, 1, 28, 28] }],
          "outputs": [
            { "name": "confidence", "dtype": "FP32", "shape": ["n", 1] },
            { "name": "label", "dtype": "INT64", "shape": ["n", 1] }
          ],
          "segments": [
            { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "classifier.onnx", "inputs": ["image"], "outputs": ["logits"] },
            { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "softmax.onnx", "inputs": ["logits"], "outputs": ["probabilities"] },
            { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "choice.onnx", "inputs": ["probabilities"], "outputs": ["confidence", "label"] }
          ]
        }

        """;

    public static TinyOnnx Softmax() =>
        new TinyOnnx()
            .Input("logits", Element.Float, "n", 10)
            .Output("probabilities", Element.Float, "n", 10)
            .Node("Softmax", ["logits"], ["probabilities"], ("axis", 1));

    public static TinyOnnx Choice() =>
        new TinyOnnx()
            .Input("probabilities", Element.Float, "n", 10)
            .Output("confidence", Element.Float, "n", 1)
            .Output("label", Element.Int64, "n", 1)
            .Constant("one", [1L], 1)
            .Node("TopK", ["probabilities", "one"], ["confidence", "label"], ("axis", 1));

    /// <summary>Writes the module into a folder.</summary>
    public static void Write(string folder, byte[] classifier)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, "classifier.onnx"), classifier);
        Softmax().Save(Path.Combine(folder, "softmax.onnx"));
        Choice().Save(Path.Combine(folder, "choice.onnx"));
        File.WriteAllText(Path.Combine(folder, "module.json"), Manifest);
    }
}
