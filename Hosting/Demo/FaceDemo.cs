using System.Diagnostics;
using StbImageWriteSharp;
using Troupe.Actors.Node;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Pictures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Demo;

/// <summary>What <c>troupe demo --faces</c> found and where it drew it.</summary>
internal sealed record FacesResult(Face[] Faces, string Picture);

/// <summary>Runs the face detector on the shipped portrait, through the router, and draws what it found.</summary>
internal static class FaceDemo
{
    public static async Task<FacesResult> RunAsync(ITroupeNode node, ModelReference model, FileStream output, CancellationToken stop)
    {
        Picture portrait = Picture.Decode(SampleFiles.Portrait(), channels: 3);
        FaceFrame frame = FaceFrame.Around(portrait);
        Tensor input = new(
            "input:0",
            ElementType.Fp32,
            new TensorShape(1, FaceFrame.Side, FaceFrame.Side, 3),
            PictureTensor.ToFp32(frame.Square, ChannelOrder.Interleaved, -1, 1)
        );
        ForwardCall call = new();
        node.Forward(
            new Forward
            {
                Id = node.NextRequestId(),
                Model = model,
                Inputs = [input],
            },
            call
        );
        ForwardReply.Succeeded reply = await call.Reply switch
        {
            ForwardReply.Succeeded succeeded => succeeded,
            ForwardReply.Failed failed => throw new InvalidOperationException($"the forward was answered {failed.Kind}: {failed.Detail}"),
            _ => throw new UnreachableException(),
        };
        Face[] faces = [.. FaceDecoder.Decode(reply.Outputs).Select(frame.ToPicture)];
        foreach (Face face in faces)
        {
            Draw(portrait, face);
        }

        new ImageWriter().WritePng(portrait.Pixels, portrait.Width, portrait.Height, ColorComponents.RedGreenBlue, output);
        return new FacesResult(faces, output.Name);
    }

    /// <summary>A frame of three pixels.</summary>
    private static void Draw(Picture picture, Face face)
    {
        const int thickness = 3;
        int left = (int)face.Left,
            top = (int)face.Top,
            right = (int)(face.Left + face.Width),
            bottom = (int)(face.Top + face.Height);
        for (int y = Math.Max(top, 0); y < Math.Min(bottom, picture.Height); y++)
        {
            for (int x = Math.Max(left, 0); x < Math.Min(right, picture.Width); x++)
            {
                if (x - left < thickness || right - x <= thickness || y - top < thickness || bottom - y <= thickness)
                {
                    ReadOnlySpan<byte> green = [0, 255, 0];
                    green.CopyTo(picture.Pixels.AsSpan(((y * picture.Width) + x) * picture.Channels));
                }
            }
        }
    }
}
