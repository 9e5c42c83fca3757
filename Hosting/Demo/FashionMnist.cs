using Troupe.Hosting.Pictures;

namespace Troupe.Hosting.Demo;

/// <summary>The shipped test pictures of Fashion-MNIST with their labels, as the classifier takes them.</summary>
/// <param name="Images">FP32 bytes of [1,1,28,28] each, in 0..1.</param>
/// <param name="Labels">The right class of each, 0 to 9.</param>
internal sealed record FashionMnist(IReadOnlyList<byte[]> Images, IReadOnlyList<int> Labels)
{
    public const int Side = 28;

    /// <exception cref="InvalidDataException">The files do not belong together or are damaged.</exception>
    public static FashionMnist Read()
    {
        IdxFile images = IdxFile.Parse(SampleFiles.FashionMnistImages());
        IdxFile labels = IdxFile.Parse(SampleFiles.FashionMnistLabels());
        if (images.Sizes is not [_, Side, Side] || labels.Sizes is not [_] || images.Count != labels.Count)
        {
            throw new InvalidDataException(
                $"the samples are [{string.Join(',', images.Sizes)}] pictures and [{string.Join(',', labels.Sizes)}] labels"
            );
        }

        return new FashionMnist(
            [
                .. Enumerable
                    .Range(0, images.Count)
                    .Select(index =>
                        PictureTensor.ToFp32(new Picture(Side, Side, 1, images.Entry(index).ToArray()), ChannelOrder.Planes, 0, 1)
                    ),
            ],
            [.. labels.Bytes.Select(label => (int)label)]
        );
    }
}
