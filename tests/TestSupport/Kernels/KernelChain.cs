using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;

namespace Troupe.TestSupport.Kernels;

/// <summary>A module of nothing but built-in kernels, every one of them, so that it runs on real and emulated devices alike: bytes in,
/// probabilities out.</summary>
internal static class KernelChain
{
    public const int Width = 10;

    /// <summary>Writes the module and returns the path of its manifest.</summary>
    public static string Write(ModuleFolder folder)
    {
        folder.Write(
            "normalize.json",
            """{ "kernel": "normalize_u8_f32", "inputs": ["pixels"], "output": "x", "shape": ["n", 10], "scalars": [0.0078125, -1] }"""
        );
        folder.Write("relu.json", """{ "kernel": "relu_f32", "inputs": ["x"], "output": "positive", "shape": ["n", 10] }""");
        folder.Write(
            "scale.json",
            """{ "kernel": "scale_shift_f32", "inputs": ["x"], "output": "scaled", "shape": ["n", 10], "scalars": [3, 0.5] }"""
        );
        folder.Write("sum.json", """{ "kernel": "sum_f32", "inputs": ["positive", "scaled"], "output": "logits", "shape": ["n", 10] }""");
        folder.Write(
            "softmax.json",
            """{ "kernel": "softmax_f32", "inputs": ["logits"], "output": "probabilities", "shape": ["n", 10] }"""
        );
        return folder.Write(
            "module.json",
            """
            { "version": 1,
              "inputs": [{ "name": "pixels", "dtype": "UINT8", "shape": ["n", 10] }],
              "outputs": [{ "name": "probabilities", "dtype": "FP32", "shape": ["n", 10] }, { "name": "logits", "dtype": "FP32", "shape": ["n", 10] }],
              "segments": [
                { "name": "_run_on_gpu_0", "backend": "kernels", "file": "normalize.json", "inputs": ["pixels"], "outputs": ["x"] },
                { "name": "_run_on_gpu_1", "backend": "kernels", "file": "relu.json", "inputs": ["x"], "outputs": ["positive"] },
                { "name": "_run_on_gpu_2", "backend": "kernels", "file": "scale.json", "inputs": ["x"], "outputs": ["scaled"] },
                { "name": "_run_on_gpu_3", "backend": "kernels", "file": "sum.json", "inputs": ["positive", "scaled"], "outputs": ["logits"] },
                { "name": "_run_on_gpu_4", "backend": "kernels", "file": "softmax.json", "inputs": ["logits"], "outputs": ["probabilities"] }] }
            """
        );
    }

    /// <summary>Some pixels, different for each seed.</summary>
    public static Tensor Pixels(int rows, int seed)
    {
        byte[] bytes = new byte[rows * Width];
        new Random(seed).NextBytes(bytes);
        return new Tensor("pixels", ElementType.UInt8, new TensorShape(rows, Width), bytes);
    }

    /// <summary>What the module must answer, computed without any of its code.</summary>
    public static (double[] Probabilities, double[] Logits) Expected(Tensor pixels)
    {
        double[] logits =
        [
            .. pixels
                .Data.ToArray()
                .Select(pixel =>
                {
                    double x = pixel * 0.0078125 - 1;
                    return Math.Max(x, 0) + 3 * x + 0.5;
                }),
        ];
        double[] probabilities = new double[logits.Length];
        for (int start = 0; start < logits.Length; start += Width)
        {
            double sum = logits.AsSpan(start, Width).ToArray().Sum(Math.Exp);
            for (int i = start; i < start + Width; i++)
            {
                probabilities[i] = Math.Exp(logits[i]) / sum;
            }
        }

        return (probabilities, logits);
    }

    /// <summary>Greatest difference between what was answered and what is right.</summary>
    public static double Error(Tensor pixels, IReadOnlyList<Tensor> outputs) => Error(pixels, Floats(outputs[0]), Floats(outputs[1]));

    public static double Error(Tensor pixels, float[] probabilities, float[] logits)
    {
        (double[] expected, double[] expectedLogits) = Expected(pixels);
        return Math.Max(Difference(expected, probabilities), Difference(expectedLogits, logits));
    }

    private static float[] Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();

    private static double Difference(double[] expected, float[] values)
    {
        return values.Length != expected.Length
            ? double.PositiveInfinity
            : expected.Zip(values, (left, right) => Math.Abs(left - right)).DefaultIfEmpty().Max();
    }
}
