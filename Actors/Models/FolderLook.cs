using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Troupe.Actors.Models;

/// <summary>Tells whether anything in a folder has changed by the names, lengths and times of its files, without reading them.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal static class FolderLook
{
    /// <summary>Deeper than a model's folder is.</summary>
    private const int MostLevels = 16;

    private static readonly EnumerationOptions Everything = new()
    {
        RecurseSubdirectories = true,
        MaxRecursionDepth = MostLevels,
        AttributesToSkip = 0,
        IgnoreInaccessible = false,
    };

    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be read.</exception>
    public static string Of(string folder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        IEnumerable<FileSystemInfo> entries = new DirectoryInfo(folder)
            .EnumerateFileSystemInfos("*", Everything)
            .OrderBy(entry => entry.FullName, StringComparer.Ordinal);
        foreach (FileSystemInfo entry in entries)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(Describe(folder, entry)));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static string Describe(string folder, FileSystemInfo entry)
    {
        string name = Path.GetRelativePath(folder, entry.FullName);
        if (entry is DirectoryInfo)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{name}/{entry.LinkTarget}\n");
        }

        // Of a link both count: where it leads, and what is there.
        FileSystemInfo real = entry.LinkTarget is null ? entry : entry.ResolveLinkTarget(returnFinalTarget: true) ?? entry;
        long length = real is FileInfo { Exists: true } file ? file.Length : -1;
        return string.Create(CultureInfo.InvariantCulture, $"{name} {entry.LinkTarget} {length} {real.LastWriteTimeUtc.Ticks}\n");
    }
}
