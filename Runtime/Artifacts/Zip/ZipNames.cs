using System.Text;
using System.Text.Unicode;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Zip;

/// <summary>Admits entry names that stay inside their archive, whatever a later reader does with them.</summary>
internal static class ZipNames
{
    private const int Longest = 1024;

    public static string Read(ReadOnlySpan<byte> bytes, string where)
    {
        if (bytes.IsEmpty || bytes.Length > Longest || !Utf8.IsValid(bytes))
        {
            throw Unsafe(
                where,
                Shown.Of(bytes),
                bytes.IsEmpty ? "is empty"
                    : bytes.Length > Longest ? $"has {bytes.Length} bytes"
                    : "is not UTF-8"
            );
        }

        string name = Encoding.UTF8.GetString(bytes);
        string? complaint = Complaint(name);
        return complaint is null ? name : throw Unsafe(where, Shown.Of(name), complaint);
    }

    private static string? Complaint(string name)
    {
        if (name[0] == '/' || name.Contains('\\') || name.Contains(':'))
        {
            return "is an absolute or a Windows path";
        }

        if (name.Any(char.IsControl))
        {
            return "holds control characters";
        }

        foreach (Range part in name.AsSpan().TrimEnd('/').Split('/'))
        {
            if (name.AsSpan(part) is "" or "." or "..")
            {
                return "leaves its folder";
            }
        }

        return null;
    }

    private static ArtifactException Unsafe(string where, string name, string complaint) =>
        new(
            ArtifactFault.UnsafeName,
            where,
            $"the entry name '{name}' {complaint}",
            "Do not trust the file; PyTorch never writes such names."
        );
}
