using Troupe.Messages.Tensors;

namespace Troupe.TestSupport.Platforms;

/// <summary>The Fashion-MNIST pictures and labels of the samples, as the classifier takes them.</summary>
public sealed class SamplePictures
{
    private const int Header = 16;
    private const int Pixels = 28 * 28;

    private readonly byte[] _images = File.ReadAllBytes(
        Path.Combine(AppContext.BaseDirectory, "Samples", "fashion-mnist", "t10k-first200-images-idx3-ubyte")
    );
    private readonly byte[] _labels = File.ReadAllBytes(
        Path.Combine(AppContext.BaseDirectory, "Samples", "fashion-mnist", "t10k-first200-labels-idx1-ubyte")
    );

    /// <summary>Path of the classifier.</summary>
    public static string ClassifierPath => Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fmnist", "1", "model.onnx");

    public int Count => (_images.Length - Header) / Pixels;

    public int LabelOf(int picture) => _labels[8 + picture];

    /// <summary>Grey values from 0 to 1.</summary>
    public float[] ValuesOf(int picture)
    {
        float[] values = new float[Pixels];
        for (int pixel = 0; pixel < Pixels; pixel++)
        {
            values[pixel] = _images[Header + (picture * Pixels) + pixel] / 255f;
        }

        return values;
    }

    /// <summary>A batch of pictures as the input <c>image</c>.</summary>
    public Tensor Batch(int first, int count)
    {
        float[] values = [.. Enumerable.Range(first, count).SelectMany(ValuesOf)];
        return new Tensor(
            "image",
            ElementType.Fp32,
            new TensorShape(count, 1, 28, 28),
            System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray()
        );
    }
}
