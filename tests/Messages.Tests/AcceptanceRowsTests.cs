using System.Text.RegularExpressions;

namespace Troupe.Messages.Tests;

/// <summary>Every promised behaviour has a test that carries its row, where the row says it can be shown.</summary>
public sealed partial class AcceptanceRowsTests
{
    private static readonly string Tests = Path.Combine(ArchitectureTests.Root, "tests");

    /// <summary>Row and where it is shown, e.g. <c>CG-01 H,R</c>.</summary>
    private static readonly (string Row, string[] Places)[] Rows =
    [
        .. File.ReadLines(Path.Combine(Tests, "acceptance-rows.txt"))
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split(' '))
            .Select(parts => (parts[0], parts[1].Split(','))),
    ];

    [Fact]
    public void Every_row_has_a_test()
    {
        HashSet<string> carried = Carried("*");
        Assert.NotEmpty(Rows);
        Assert.Equal([], Rows.Select(row => row.Row).Where(row => !carried.Contains(row)));
    }

    [Fact]
    public void A_row_that_only_a_real_device_can_show_has_a_test_there()
    {
        HashSet<string> onGpu = [.. Carried("Gpu.Tests"), .. Carried(Path.Combine("TestSupport", "Modes"))];
        Assert.Equal([], Rows.Where(row => row.Places is ["R"]).Select(row => row.Row).Where(row => !onGpu.Contains(row)));
    }

    [Fact]
    public void Rows_are_listed_once() => Assert.Equal(Rows.Length, Rows.DistinctBy(row => row.Row).Count());

    private static HashSet<string> Carried(string folder) =>
        [
            .. Directory
                .EnumerateFiles(folder == "*" ? Tests : Path.Combine(Tests, folder), "*.cs", SearchOption.AllDirectories)
                .SelectMany(file => RowTrait().Matches(File.ReadAllText(file)))
                .Select(match => match.Groups[1].Value),
        ];

    [GeneratedRegex(@"Trait\(""row"", ""([A-Z]{2}-\d+)""\)")]
    private static partial Regex RowTrait();
}
