namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>A path without links, as far as it exists. What a link says is read as the system reads it: <c>..</c> is the parent of what
/// stands before it, with its links followed.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal static class RealPath
{
    /// <summary>Links on the whole way, as many as the system follows: more lead in a circle, or double the way with each other.</summary>
    private const int MaxLinks = 40;

    /// <summary>Whether a path is below a folder by its text; both as they are, or both without links.</summary>
    public static bool IsInside(string path, string folder)
    {
        string full = Path.GetFullPath(folder);
        return path.StartsWith(Path.EndsInDirectorySeparator(full) ? full : full + Path.DirectorySeparatorChar, StringComparison.Ordinal);
    }

    /// <param name="full">An absolute path.</param>
    /// <exception cref="IOException">Its links lead in a circle, or are too many.</exception>
    public static string Of(string full)
    {
        var left = new Stack<string>();
        string real = "";
        Follow(full);
        int links = 0;
        while (left.TryPop(out string? part))
        {
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            string next = Path.Combine(real, part);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                real = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                throw new IOException("its links lead in a circle, or are too many.");
            }

            Follow(target);
        }

        return real;

        void Follow(string path)
        {
            string root = Path.GetPathRoot(path)!;
            real = root.Length > 0 ? root : real;
            foreach (string part in path[root.Length..].Split(Path.DirectorySeparatorChar).Reverse())
            {
                if (part is not ("" or "."))
                {
                    left.Push(part);
                }
            }
        }
    }
}
