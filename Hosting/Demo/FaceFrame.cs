using Troupe.Hosting.Pictures;

namespace Troupe.Hosting.Demo;

/// <summary>A picture put into the detector's square: padded with black to a square, then scaled.</summary>
/// <param name="Square">The scaled square.</param>
/// <param name="Edge">Pixels of the original along the square's edge.</param>
/// <param name="Left">Padding left of the original, in its pixels.</param>
/// <param name="Top">Padding above it.</param>
internal sealed record FaceFrame(Picture Square, int Edge, int Left, int Top)
{
    /// <summary>Edge of the detector's input.</summary>
    public const int Side = 128;

    public static FaceFrame Around(Picture picture)
    {
        int edge = Math.Max(picture.Width, picture.Height);
        int left = (edge - picture.Width) / 2,
            top = (edge - picture.Height) / 2;
        byte[] square = new byte[edge * edge * picture.Channels];
        int rowBytes = picture.Width * picture.Channels;
        for (int row = 0; row < picture.Height; row++)
        {
            picture.Pixels.AsSpan(row * rowBytes, rowBytes).CopyTo(square.AsSpan((((row + top) * edge) + left) * picture.Channels));
        }

        return new FaceFrame(new Picture(edge, edge, picture.Channels, square).Resize(Side, Side), edge, left, top);
    }

    /// <summary>From shares of the square to pixels of the original.</summary>
    public Face ToPicture(Face face) =>
        new(face.Score, (face.Left * Edge) - Left, (face.Top * Edge) - Top, face.Width * Edge, face.Height * Edge);
}
