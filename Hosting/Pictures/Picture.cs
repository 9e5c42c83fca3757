using StbImageSharp;

namespace Troupe.Hosting.Pictures;

/// <summary>A decoded picture: 8 bits a channel, rows from the top, channels interleaved.</summary>
/// <param name="Channels">1 (grey) or 3 (red, green, blue).</param>
internal sealed record Picture(int Width, int Height, int Channels, byte[] Pixels)
{
    /// <summary>Decodes a PNG or JPEG file.</summary>
    /// <param name="channels">1 or 3: what the pixels are converted to.</param>
    /// <exception cref="InvalidDataException">The bytes are no picture, or not one that can be decoded.</exception>
    public static Picture Decode(byte[] file, int channels)
    {
        try
        {
            ImageResult decoded = ImageResult.FromMemory(file, channels == 1 ? ColorComponents.Grey : ColorComponents.RedGreenBlue);
            return new Picture(decoded.Width, decoded.Height, channels, decoded.Data);
        }
        catch (Exception undecodable)
            when (undecodable
                    is InvalidOperationException
                        or ArgumentException
                        or IndexOutOfRangeException
                        or EndOfStreamException
                        or NullReferenceException
                        or OverflowException
            )
        {
            throw new InvalidDataException($"not a PNG or JPEG picture: {undecodable.Message}", undecodable);
        }
    }

    /// <summary>The picture at another size; averages where it shrinks, interpolates where it grows.</summary>
    public Picture Resize(int width, int height)
    {
        if (width == Width && height == Height)
        {
            return this;
        }

        float[] wide = Resample(Array.ConvertAll(Pixels, pixel => (float)pixel), Height, Width, width, Channels, alongRows: true);
        float[] done = Resample(wide, width, Height, height, Channels, alongRows: false);
        return new Picture(width, height, Channels, Array.ConvertAll(done, value => (byte)Math.Clamp(MathF.Round(value), 0, 255)));
    }

    /// <summary>Scales one axis with a triangle filter as wide as the larger of the two pixel pitches.</summary>
    private static float[] Resample(float[] source, int lines, int from, int to, int channels, bool alongRows)
    {
        float[] target = new float[lines * to * channels];
        float ratio = (float)from / to;
        float reach = Math.Max(1, ratio);
        for (int at = 0; at < to; at++)
        {
            float centre = ((at + 0.5f) * ratio) - 0.5f;
            int first = Math.Max(0, (int)MathF.Ceiling(centre - reach));
            int last = Math.Min(from - 1, (int)MathF.Floor(centre + reach));
            for (int line = 0; line < lines; line++)
            {
                for (int channel = 0; channel < channels; channel++)
                {
                    float sum = 0,
                        weights = 0;
                    for (int sample = first; sample <= last; sample++)
                    {
                        float weight = Math.Max(0, 1 - (Math.Abs(sample - centre) / reach));
                        int pixel = alongRows ? (line * from) + sample : (sample * lines) + line;
                        sum += weight * source[(pixel * channels) + channel];
                        weights += weight;
                    }

                    int written = alongRows ? (line * to) + at : (at * lines) + line;
                    target[(written * channels) + channel] = sum / weights;
                }
            }
        }

        return target;
    }
}
