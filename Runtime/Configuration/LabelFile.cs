using System.Text;

namespace Troupe.Runtime.Configuration;

/// <summary>Names of classes, one a line, in the order of their index.</summary>
internal static class LabelFile
{
    private const long MaxBytes = 16 << 20;

    /// <inheritdoc cref="ConfigurationFile.Read" path="/exception"/>
    public static IReadOnlyList<string> Read(string path)
    {
        string text = Encoding.UTF8.GetString(ConfigurationFile.Read(path, MaxBytes, "a label file"));
        string[] lines = text.Split('\n');
        int count = lines[^1].Length == 0 ? lines.Length - 1 : lines.Length;
        return [.. lines.Take(count).Select(line => line.TrimEnd('\r'))];
    }
}
