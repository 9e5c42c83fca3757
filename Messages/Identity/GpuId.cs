using MessagePack;

namespace Troupe.Messages.Identity;

/// <summary>One device of the cluster: a node and the device's ordinal there. Written <c>host:port/ORDINAL</c>.</summary>
[MessagePackObject]
public readonly record struct GpuId([property: Key(0)] NodeId Node, [property: Key(1)] int Ordinal)
{
    public override string ToString() => $"{Node}/{Ordinal}";

    /// <summary>Reads the form that <see cref="ToString"/> writes; false for anything else.</summary>
    public static bool TryParse(string? text, out GpuId gpu)
    {
        gpu = default;
        int slash = text?.LastIndexOf('/') ?? -1;
        if (
            slash <= 0
            || !int.TryParse(
                text.AsSpan(slash + 1),
                System.Globalization.NumberStyles.None,
                System.Globalization.CultureInfo.InvariantCulture,
                out int ordinal
            )
        )
        {
            return false;
        }

        gpu = new GpuId(new NodeId(text![..slash]), ordinal);
        return true;
    }
}
