using System.Text;

namespace Troupe.Runtime.Configuration;

/// <summary>Names of classes, one a line, in the order of their index.</summary>
internal static class LabelFile
{
    private const long MaxBytes = 16 << 20;

    /// <inheritdoc cref="ConfigurationFile.Read" path="/exception"/>
    public static IReadOnlyList<string> Read(string path) => Parse(ConfigurationFile.Read(path, MaxBytes, "a label file"));

    /// <summary>The text of one.</summary>
    public static IReadOnlyList<string> Parse(ReadOnlySpan<byte> bytes)
    {
        string text = Encoding.UTF8.GetString(bytes);
        string[] lines = text.Split('\n');
        int count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        return [.. lines.Take(count).Select(line => line.TrimEnd('\r'))];
    }
}
