using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Demo;

/// <summary>One face: how sure the detector is, and its box.</summary>
internal readonly record struct Face(float Score, float Left, float Top, float Width, float Height);

/// <summary>Turns BlazeFace's raw outputs into boxes, in shares of its square input.</summary>
/// <remarks>
/// The front model predicts at 896 anchors: a 16×16 grid with two, then an 8×8 grid with six. A score is a logit; a box is centre and size
/// in pixels of the
/// input, the centre relative to its anchor's. Source: MediaPipe, face detection (short range).
/// </remarks>
internal static class FaceDecoder
{
    private const float LeastScore = 0.75f;

    /// <summary>Boxes that overlap more than this are one face.</summary>
    private const float MostOverlap = 0.3f;

    private static readonly (int Grid, int PerCell)[] Anchors = [(16, 2), (8, 6)];

    public static IReadOnlyList<Face> Decode(IReadOnlyList<Tensor> outputs)
    {
        List<Face> found = [];
        foreach ((int grid, int perCell) in Anchors)
        {
            int count = grid * grid * perCell;
            ReadOnlySpan<float> scores = Values(outputs, count, 1),
                boxes = Values(outputs, count, 16);
            for (int anchor = 0; anchor < count; anchor++)
            {
                float score = 1 / (1 + MathF.Exp(-scores[anchor]));
                if (score >= LeastScore)
                {
                    int cell = anchor / perCell;
                    ReadOnlySpan<float> box = boxes.Slice(anchor * 16, 4);
                    float x = ((cell % grid) + 0.5f) / grid + (box[0] / FaceFrame.Side),
                        y = ((cell / grid) + 0.5f) / grid + (box[1] / FaceFrame.Side);
                    float width = box[2] / FaceFrame.Side,
                        height = box[3] / FaceFrame.Side;
                    found.Add(new Face(score, x - (width / 2), y - (height / 2), width, height));
                }
            }
        }

        return Strongest(found);
    }

    /// <summary>Of boxes that overlap, the surest.</summary>
    private static List<Face> Strongest(List<Face> found)
    {
        List<Face> kept = [];
        foreach (Face face in found.OrderByDescending(face => face.Score))
        {
            if (kept.TrueForAll(other => Overlap(face, other) <= MostOverlap))
            {
                kept.Add(face);
            }
        }

        return kept;
    }

    /// <summary>Intersection over union.</summary>
    private static float Overlap(Face one, Face other)
    {
        float width = MathF.Min(one.Left + one.Width, other.Left + other.Width) - MathF.Max(one.Left, other.Left);
        float height = MathF.Min(one.Top + one.Height, other.Top + other.Height) - MathF.Max(one.Top, other.Top);
        float common = MathF.Max(width, 0) * MathF.Max(height, 0);
        return common / ((one.Width * one.Height) + (other.Width * other.Height) - common);
    }

    private static ReadOnlySpan<float> Values(IReadOnlyList<Tensor> outputs, int count, int width)
    {
        Tensor output = outputs.First(tensor => tensor.Shape.Rank == 3 && tensor.Shape[1] == count && tensor.Shape[2] == width);
        return MemoryMarshal.Cast<byte, float>(output.Data.Span);
    }
}
