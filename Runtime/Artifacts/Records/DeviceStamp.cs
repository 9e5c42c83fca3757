using System.Globalization;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>What an engine may have been built to run on.</summary>
public enum DeviceStampKind
{
    Gpu = 0,

    /// <summary>A deep-learning accelerator of Jetson boards.</summary>
    Dla = 1,
}

/// <summary>The device an engine was built on: <c>id%major%minor%type%name</c> (torch_tensorrt RTDevice).</summary>
/// <param name="Ordinal">CUDA ordinal at build time.</param>
/// <param name="Major">Compute capability.</param>
public sealed record DeviceStamp(int Ordinal, int Major, int Minor, DeviceStampKind Kind, string Name)
{
    /// <summary>Reads the five parts.</summary>
    /// <exception cref="ArtifactException">The text has other parts.</exception>
    public static DeviceStamp Parse(string text, string where)
    {
        ArgumentNullException.ThrowIfNull(text);
        string[] parts = text.Split('%');
        if (parts.Length != 5)
        {
            throw ArtifactException.Corrupt(
                where,
                $"the device '{Shown.Of(text)}' has {parts.Length} parts where id%major%minor%type%name has 5"
            );
        }

        int kind = Number(parts[3], "type", text, where);
        return kind is 0 or 1
            ? new DeviceStamp(
                Number(parts[0], "id", text, where),
                Number(parts[1], "major", text, where),
                Number(parts[2], "minor", text, where),
                (DeviceStampKind)kind,
                parts[4]
            )
            : throw ArtifactException.Corrupt(where, $"the device '{Shown.Of(text)}' is of type {kind}; known are 0 (GPU) and 1 (DLA)");
    }

    /// <summary>As it stands in a record.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Ordinal}%{Major}%{Minor}%{(int)Kind}%{Name}");

    private static int Number(string part, string name, string text, string where) =>
        int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
        && part == number.ToString(CultureInfo.InvariantCulture)
            ? number
            : throw ArtifactException.Corrupt(
                where,
                $"the {name} '{Shown.Of(part)}' of the device '{Shown.Of(text)}' is not a whole number from 0"
            );
}
