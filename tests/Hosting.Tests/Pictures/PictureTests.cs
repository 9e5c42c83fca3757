using System.Buffers.Binary;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Pictures;

namespace Troupe.Hosting.Tests.Pictures;

/// <summary>Pictures and IDX files become tensors, and damaged ones are refused.</summary>
public sealed class PictureTests
{
    [Fact]
    public void A_photograph_is_decoded_in_colour_and_in_grey()
    {
        byte[] file = SampleFiles.Portrait();
        Picture colour = Picture.Decode(file, channels: 3);
        Picture grey = Picture.Decode(file, channels: 1);
        Assert.Equal((colour.Width, colour.Height), (grey.Width, grey.Height));
        Assert.Equal(3 * grey.Pixels.Length, colour.Pixels.Length);
    }

    [Fact]
    public void What_is_no_picture_is_refused() =>
        Assert.Throws<InvalidDataException>(() => Picture.Decode([1, 2, 3, 4, 5, 6, 7, 8], channels: 3));

    [Fact]
    public void One_colour_stays_that_colour_at_every_size()
    {
        Picture grey = new(5, 3, 1, [.. Enumerable.Repeat((byte)77, 15)]);
        Assert.All(grey.Resize(17, 2).Pixels, pixel => Assert.Equal(77, pixel));
        Assert.Same(grey, grey.Resize(5, 3));
    }

    [Fact]
    public void Channels_stand_in_planes_or_together()
    {
        Picture two = new(2, 1, 3, [0, 51, 102, 153, 204, 255]);
        Assert.Equal([0f, 0.6f, 0.2f, 0.8f, 0.4f, 1f], Floats(PictureTensor.ToFp32(two, ChannelOrder.Planes, 0, 1)));
        Assert.Equal([-1f, -0.6f, -0.2f, 0.2f, 0.6f, 1f], Floats(PictureTensor.ToFp32(two, ChannelOrder.Interleaved, -1, 1)));
    }

    [Fact]
    public void An_IDX_file_is_read_entry_by_entry()
    {
        IdxFile file = IdxFile.Parse([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6]);
        Assert.Equal([2, 3], file.Sizes);
        Assert.Equal([4, 5, 6], file.Entry(1).ToArray());
    }

    [Theory]
    [InlineData("00000802000000020000000301020304050607")]
    [InlineData("0000080200000002000000030102030405")]
    [InlineData("00000802FFFFFFFF00000003")]
    [InlineData("00000802000000")]
    [InlineData("00000D0100000000")]
    public void A_damaged_IDX_file_is_refused(string hex) =>
        Assert.Throws<InvalidDataException>(() => IdxFile.Parse(Convert.FromHexString(hex)));

    private static float[] Floats(byte[] bytes) =>
        [
            .. Enumerable
                .Range(0, bytes.Length / 4)
                .Select(index => MathF.Round(BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(4 * index)), 4)),
        ];
}
