using System.Text.RegularExpressions;
using Troupe.TestSupport.Documents;

namespace Troupe.Docs.Tests;

/// <summary>One command of a document, and the lines that it says the command prints.</summary>
internal sealed record Step(string Command, IReadOnlyList<string> Output);

/// <summary>The <c>console</c> blocks of a document as steps, and the comparison of what was printed with what is written.</summary>
internal static partial class Walkthrough
{
    public static IReadOnlyList<Step> Of(string document)
    {
        List<Step> steps = [];
        foreach (string block in Document.Read(document).Blocks("console"))
        {
            List<string>? output = null;
            foreach (string line in block.Split('\n'))
            {
                if (line.StartsWith("$ ", StringComparison.Ordinal))
                {
                    output = [];
                    steps.Add(new Step(line[2..], output));
                }
                else if (line.Trim().Length > 0)
                {
                    output!.Add(line);
                }
            }
        }

        return steps;
    }

    /// <summary>Lines that the document shows and the command did not print in this order; times, numbers, rules and runs of blanks do not
    /// count.</summary>
    public static IReadOnlyList<string> Missing(Step step, string printed)
    {
        Queue<string> actual = new(printed.Split('\n').Select(Form));
        List<string> missing = [];
        foreach (string line in step.Output)
        {
            string form = Form(line);
            Queue<string> rest = new(actual.SkipWhile(other => other != form));
            if (rest.Count == 0)
            {
                missing.Add(line);
            }
            else
            {
                rest.Dequeue();
                actual = rest;
            }
        }

        return missing;
    }

    private static string Form(string line) =>
        Blanks().Replace(Number().Replace(Time().Replace(Colors().Replace(line, ""), ""), "#"), " ").Trim();

    [GeneratedRegex(@"\x1b\[[0-9;?]*[A-Za-z]")]
    private static partial Regex Colors();

    /// <summary>When a line was logged; with the date where the log goes into a file.</summary>
    [GeneratedRegex(@"^(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d\.\d+Z ")]
    private static partial Regex Time();

    [GeneratedRegex(@"-?\b\d[\d,]*(\.\d+)?([eE][-+]?\d+)?")]
    private static partial Regex Number();

    [GeneratedRegex(@"[\s─]+")]
    private static partial Regex Blanks();
}
