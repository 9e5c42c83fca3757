using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Troupe.Hosting.Options;

/// <summary>Which driver a node's devices come from.</summary>
internal enum DeviceKind
{
    /// <summary>CUDA where a driver, a device and a back end for it are found, otherwise emulated.</summary>
    Auto,

    /// <summary>Emulated devices in host memory.</summary>
    Host,

    /// <summary>Real devices or none.</summary>
    Cuda,
}

/// <summary>The value of <c>--devices</c>: <c>auto</c>, <c>host:N</c> or <c>cuda</c>.</summary>
/// <param name="Count">Emulated devices to make where the kind is, or falls back to, <see cref="DeviceKind.Host"/>.</param>
internal sealed record DeviceChoice(DeviceKind Kind, int Count)
{
    public const string Form = "write auto, cuda or host:N with N from 1 to 64";

    /// <summary>Emulated devices of a node that did not say how many.</summary>
    public const int DefaultCount = 2;

    public const int MostEmulated = 64;

    public static bool TryParse(string text, [NotNullWhen(true)] out DeviceChoice? choice)
    {
        choice = text switch
        {
            "auto" => new DeviceChoice(DeviceKind.Auto, DefaultCount),
            "cuda" => new DeviceChoice(DeviceKind.Cuda, 0),
            "host" => new DeviceChoice(DeviceKind.Host, DefaultCount),
            _ when text.StartsWith("host:", StringComparison.Ordinal)
                    && int.TryParse(text.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int count)
                    && count is >= 1 and <= MostEmulated => new DeviceChoice(DeviceKind.Host, count),
            _ => null,
        };
        return choice is not null;
    }

    public override string ToString() =>
        Kind switch
        {
            DeviceKind.Auto => "auto",
            DeviceKind.Cuda => "cuda",
            DeviceKind.Host => $"host:{Count}",
        };
}
