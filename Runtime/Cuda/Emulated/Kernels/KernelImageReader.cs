using System.Text;
using System.Text.RegularExpressions;

namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>Reads which kernels an image holds: PTX text by its entries; an ELF image by the registered names it contains.</summary>
/// <remarks>The emulator does not compile: an entry runs its managed body, so an entry without one is refused, by name.</remarks>
internal static partial class KernelImageReader
{
    private const int NewestPtxVersion = 9;

    private static ReadOnlySpan<byte> ElfMagic => [0x7F, (byte)'E', (byte)'L', (byte)'F'];

    public static CuResult Read(ReadOnlySpan<byte> image, EmulatedImage into, Dictionary<string, ManagedKernelBody> bodies, out string log)
    {
        log = "";
        if (image.StartsWith(ElfMagic))
        {
            return ReadElf(image, into, bodies, out log);
        }

        if (!IsText(image))
        {
            log = "The image is neither PTX text nor an ELF image.";
            return CuResult.InvalidImage;
        }

        string text = Encoding.UTF8.GetString(image).TrimEnd('\0');
        Match version = VersionLine().Match(text);
        Match target = TargetLine().Match(text);
        if (!version.Success || !target.Success)
        {
            log = "PTX text starts with .version and .target; at least one is missing.";
            return CuResult.InvalidPtx;
        }

        if (Number(version) > NewestPtxVersion)
        {
            log = $"The PTX version {version.Groups[1].Value} is newer than {NewestPtxVersion}, the newest this driver knows.";
            return CuResult.UnsupportedPtxVersion;
        }

        int device = into.PtxTarget;
        if (Number(target) > device)
        {
            log = $"The PTX is written for sm_{target.Groups[1].Value}, the device has sm_{device}.";
            return CuResult.InvalidPtx;
        }

        into.PtxTarget = Number(target);

        foreach (Match entry in EntryLine().Matches(text))
        {
            string name = entry.Groups[1].Value;
            if (!bodies.TryGetValue(name, out ManagedKernelBody? body))
            {
                log =
                    $"The entry '{name}' has no managed body: register one with RegisterKernel before the image is loaded on an emulated device.";
                return CuResult.InvalidPtx;
            }

            into.Kernels[name] = new EmulatedKernel(into, name, body);
        }

        if (!HasBalancedBraces(text))
        {
            log = "PTX text ends inside a block: a brace is missing.";
            return CuResult.InvalidPtx;
        }

        return CuResult.Success;
    }

    private static CuResult ReadElf(
        ReadOnlySpan<byte> image,
        EmulatedImage into,
        Dictionary<string, ManagedKernelBody> bodies,
        out string log
    )
    {
        log = "";
        foreach ((string? name, ManagedKernelBody? body) in bodies)
        {
            // A kernel's code lies in a section named after it.
            if (image.IndexOf(Encoding.UTF8.GetBytes($".text.{name}\0")) >= 0)
            {
                into.Kernels[name] = new EmulatedKernel(into, name, body);
            }
        }

        if (into.Kernels.Count > 0)
        {
            return CuResult.Success;
        }

        log = "The ELF image holds no kernel that has a managed body.";
        return CuResult.InvalidImage;
    }

    private static int Number(Match match) => int.Parse(match.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);

    private static bool IsText(ReadOnlySpan<byte> image)
    {
        ReadOnlySpan<byte> text = image.TrimEnd((byte)0);
        return !text.IsEmpty && text.IndexOf((byte)0) < 0 && text.IndexOf(".version"u8) >= 0;
    }

    private static bool HasBalancedBraces(string text)
    {
        int depth = 0;
        foreach (char character in text)
        {
            if (character == '{')
            {
                depth++;
            }

            if (character == '}' && --depth < 0)
            {
                return false;
            }
        }

        return depth == 0;
    }

    [GeneratedRegex(@"^\s*\.version\s+(\d+)\.\d+", RegexOptions.Multiline)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^\s*\.target\s+sm_(\d+)", RegexOptions.Multiline)]
    private static partial Regex TargetLine();

    [GeneratedRegex(@"\.entry\s+([A-Za-z_$%][\w$]*)")]
    private static partial Regex EntryLine();
}
