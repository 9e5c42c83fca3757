using System.Runtime.InteropServices;

namespace Troupe.Hosting.Pictures;

/// <summary>Where the channels stand in a picture's tensor.</summary>
internal enum ChannelOrder
{
    /// <summary>One plane after the other: [1, channels, height, width].</summary>
    Planes,

    /// <summary>Channels of a pixel together: [1, height, width, channels].</summary>
    Interleaved,
}

/// <summary>Turns pixels into the FP32 bytes a model takes.</summary>
internal static class PictureTensor
{
    /// <summary>Maps 0..255 to <paramref name="low"/>..<paramref name="high"/>.</summary>
    public static byte[] ToFp32(Picture picture, ChannelOrder order, float low, float high)
    {
        byte[] bytes = new byte[picture.Pixels.Length * sizeof(float)];
        Span<float> values = MemoryMarshal.Cast<byte, float>(bytes.AsSpan());
        float step = (high - low) / 255f;
        int area = picture.Width * picture.Height;
        for (int pixel = 0; pixel < area; pixel++)
        {
            for (int channel = 0; channel < picture.Channels; channel++)
            {
                int target = order == ChannelOrder.Planes ? (channel * area) + pixel : (pixel * picture.Channels) + channel;
                values[target] = low + (picture.Pixels[(pixel * picture.Channels) + channel] * step);
            }
        }

        return bytes;
    }
}
