using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Troupe.Runtime.Configuration;

namespace Troupe.Actors.Models;

/// <summary>Tells whether anything in a folder has changed by the names, lengths and times of its files, without reading them.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal static class FolderLook
{
    /// <summary>Deeper than a model's folder is.</summary>
    private const int MostLevels = 16;

    private static readonly EnumerationOptions Everything = new() { AttributesToSkip = 0, IgnoreInaccessible = false };

    /// <param name="repository">Where links to folders are followed; one that leads out of it counts by where it leads.</param>
    /// <param name="most">Most files and folders that are looked at.</param>
    /// <exception cref="IOException">It cannot be read, or there are more.</exception>
    /// <exception cref="UnauthorizedAccessException">It cannot be read.</exception>
    public static string Of(string repository, string folder, int most = 65_536)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int count = 0;
        Add(new DirectoryInfo(folder), level: 0);
        return Convert.ToHexStringLower(hash.GetHashAndReset());

        void Add(DirectoryInfo parent, int level)
        {
            foreach (
                FileSystemInfo entry in parent
                    .EnumerateFileSystemInfos("*", Everything)
                    .Take(most - count + 1)
                    .OrderBy(entry => entry.Name, StringComparer.Ordinal)
            )
            {
                if (++count > most)
                {
                    throw new IOException($"it holds more than {most} files and folders.");
                }

                hash.AppendData(Encoding.UTF8.GetBytes(Describe(folder, entry)));
                if (entry is DirectoryInfo child && level < MostLevels && IsLookedInto(repository, folder, child))
                {
                    Add(child, level + 1);
                }
            }
        }
    }

    /// <summary>Of links those that stay in the repository, but not what is looked at anyway, nor what the folder itself is in.</summary>
    private static bool IsLookedInto(string repository, string folder, DirectoryInfo child) =>
        child.LinkTarget is null
        || (
            RepositoryPath.LeadsBelow(child.FullName, [repository])
            && !RepositoryPath.LeadsBelow(child.FullName, [folder])
            && !RepositoryPath.LeadsBelow(folder, [child.FullName])
        );

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
