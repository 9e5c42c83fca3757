using System.Collections.Frozen;
using System.Runtime.InteropServices;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>The operating system and processor an engine was built for.</summary>
public enum TargetPlatform
{
    /// <summary>The writer did not know.</summary>
    Unknown,

    LinuxX64,
    LinuxArm64,
    WindowsX64,
    WindowsArm64,
}

/// <summary>The spellings of platforms: those of the C++ runtime, and those that only Python writers use.</summary>
public static class TargetPlatforms
{
    private static readonly FrozenDictionary<string, TargetPlatform> BySpelling = new Dictionary<string, TargetPlatform>
    {
        ["unknown"] = TargetPlatform.Unknown,
        ["linux_x86_64"] = TargetPlatform.LinuxX64,
        ["linux_aarch64"] = TargetPlatform.LinuxArm64,
        ["windows_x86_64"] = TargetPlatform.WindowsX64,
        ["windows_arm64"] = TargetPlatform.WindowsArm64,
        ["win_x86_64"] = TargetPlatform.WindowsX64,
        ["win_arm64"] = TargetPlatform.WindowsArm64,
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>The platform of this process.</summary>
    public static TargetPlatform Here =>
        (OperatingSystem.IsLinux(), OperatingSystem.IsWindows(), RuntimeInformation.ProcessArchitecture) switch
        {
            (true, _, Architecture.X64) => TargetPlatform.LinuxX64,
            (true, _, Architecture.Arm64) => TargetPlatform.LinuxArm64,
            (_, true, Architecture.X64) => TargetPlatform.WindowsX64,
            (_, true, Architecture.Arm64) => TargetPlatform.WindowsArm64,
            _ => TargetPlatform.Unknown,
        };

    /// <summary>The spelling of the C++ runtime.</summary>
    public static string Spelling(this TargetPlatform platform) =>
        platform switch
        {
            TargetPlatform.Unknown => "unknown",
            TargetPlatform.LinuxX64 => "linux_x86_64",
            TargetPlatform.LinuxArm64 => "linux_aarch64",
            TargetPlatform.WindowsX64 => "windows_x86_64",
            TargetPlatform.WindowsArm64 => "windows_arm64",
        };

    /// <summary>Reads either spelling.</summary>
    /// <exception cref="ArtifactException">No known platform.</exception>
    public static TargetPlatform Parse(string text, string where) =>
        BySpelling.TryGetValue(text, out TargetPlatform platform)
            ? platform
            : throw new ArtifactException(
                ArtifactFault.WrongPlatform,
                where,
                $"the platform '{Shown.Of(text)}' is none of {string.Join(", ", BySpelling.Keys.Order(StringComparer.Ordinal))}",
                "Compile the model for the platform it is to run on."
            );
}
