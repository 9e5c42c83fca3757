namespace Troupe.TestSupport.Documents;

/// <summary>A Markdown document of this repository, read for what a test can hold it to: its fenced blocks and its tables.</summary>
public sealed class Document
{
    private readonly string[] _lines;

    private Document(string path) => _lines = File.ReadAllLines(Path.Combine(Root, path));

    /// <summary>The folder of the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <param name="path">From the root, e.g. <c>docs/module-json.md</c>.</param>
    public static Document Read(string path) => new(path);

    /// <summary>The contents of the fenced blocks of one language, in their order.</summary>
    /// <param name="language">What stands behind the fence, e.g. <c>json</c>.</param>
    public IReadOnlyList<string> Blocks(string language)
    {
        List<string> blocks = [];
        for (int line = 0; line < _lines.Length; line++)
        {
            if (_lines[line].StartsWith("```", StringComparison.Ordinal))
            {
                int end = Array.IndexOf(_lines, "```", line + 1);
                if (_lines[line][3..] == language)
                {
                    blocks.Add(string.Join('\n', _lines[(line + 1)..end]));
                }

                line = end;
            }
        }

        return blocks;
    }

    /// <summary>The rows of the first table below a heading, without its head; marks of code are taken off cells that are nothing
    /// else.</summary>
    /// <param name="heading">The heading's line, e.g. <c>## Errors</c>.</param>
    public IReadOnlyList<string[]> Table(string heading)
    {
        int start = Array.IndexOf(_lines, heading);
        if (start < 0)
        {
            throw new InvalidOperationException($"There is no heading '{heading}'.");
        }

        return
        [
            .. _lines[start..]
                .SkipWhile(line => !line.StartsWith('|'))
                .TakeWhile(line => line.StartsWith('|'))
                .Skip(2)
                .Select(line => line.Trim().Trim('|').Split(" | ").Select(Bare).ToArray()),
        ];
    }

    private static string Bare(string cell)
    {
        cell = cell.Trim();
        return cell.Length > 1 && cell[0] == '`' && cell[^1] == '`' && cell.Count(mark => mark == '`') == 2 ? cell[1..^1] : cell;
    }

    private static string FindRoot()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException($"No Cluster.sln above {AppContext.BaseDirectory}.");
    }
}
