using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Troupe.Hosting.Options;

/// <summary>Which driver a node's devices come from.</summary>
internal enum DeviceKind
{
    /// <summary>CUDA where a driver, a device and a back end for it are found, otherwise emulated.</summary>
    Auto,

    /// <summary>Emulated devices in host memory.</summary>
    Emulated,

    /// <summary>Real devices or none.</summary>
    Cuda,
}

/// <summary>The value of <c>--devices</c>: <c>auto</c>, <c>emulated:N</c> or <c>cuda</c>; <c>host:N</c>, the spelling of earlier versions,
/// is read as <c>emulated:N</c>.</summary>
/// <param name="Count">Emulated devices to make where the kind is, or falls back to, <see cref="DeviceKind.Emulated"/>.</param>
internal sealed record DeviceChoice(DeviceKind Kind, int Count)
{
    public const string Form = "write auto, cuda or emulated:N with N from 1 to 64";

    /// <summary>Emulated devices of a node that did not say how many.</summary>
    public const int DefaultCount = 2;

    public const int MostEmulated = 64;

    public static bool TryParse(string text, [NotNullWhen(true)] out DeviceChoice? choice)
    {
        choice = text switch
        {
            "auto" => new DeviceChoice(DeviceKind.Auto, DefaultCount),
            "cuda" => new DeviceChoice(DeviceKind.Cuda, 0),
            "emulated" or "host" => new DeviceChoice(DeviceKind.Emulated, DefaultCount),
            _ when TryParseCount(text, out int count) => new DeviceChoice(DeviceKind.Emulated, count),
            _ => null,
        };
        return choice is not null;
    }

    public override string ToString() =>
        Kind switch
        {
            DeviceKind.Auto => "auto",
            DeviceKind.Cuda => "cuda",
            DeviceKind.Emulated => $"emulated:{Count}",
        };

    private static bool TryParseCount(string text, out int count)
    {
        count = 0;
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon >= 0
            && text.AsSpan(0, colon) is "emulated" or "host"
            && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out count)
            && count is >= 1 and <= MostEmulated;
    }
}
