using System.Text.Json;
using System.Xml.Linq;
using Troupe.TestSupport.Documents;

namespace Troupe.Docs.Tests;

/// <summary><c>THIRD-PARTY-NOTICES.md</c> says what is true: every package that comes with the product is named, and no other.</summary>
public sealed class NoticesTests
{
    private static readonly string[] Named =
    [
        .. Document
            .Read("THIRD-PARTY-NOTICES.md")
            .Table("## Packages")
            .SelectMany(row => row[0].Split(", "))
            .Select(name => name.Trim('`')),
    ];

    [Fact]
    public void Every_package_of_the_product_is_named() => Assert.Equal([], Product().Where(package => !IsNamed(package)));

    [Fact]
    public void Every_package_that_is_restored_for_the_product_is_named() =>
        Assert.Equal([], Restored().Where(package => !IsNamed(package)));

    [Fact]
    public void No_package_is_named_that_is_not_there()
    {
        string[] restored = [.. Restored()];
        string[] asked = [.. Product()];
        Assert.Equal([], Named.Where(name => !restored.Concat(asked).Any(package => Covers(name, package))));
    }

    /// <summary>Packages that the product asks for by name; an analyzer is none of them.</summary>
    private static IEnumerable<string> Product() =>
        XDocument
            .Load(Path.Combine(Document.Root, "Directory.Packages.props"))
            .Descendants("ItemGroup")
            .Where(group => group.Attribute("Label")?.Value == "Product")
            .Elements("PackageVersion")
            .Select(package => package.Attribute("Include")!.Value)
            .Where(package => !package.EndsWith("Analyzer", StringComparison.Ordinal));

    /// <summary>Packages with files that stand beside the executable.</summary>
    private static IEnumerable<string> Restored()
    {
        using JsonDocument assets = JsonDocument.Parse(
            File.ReadAllBytes(Path.Combine(Document.Root, "artifacts", "obj", "Hosting", "project.assets.json"))
        );
        return
        [
            .. assets
                .RootElement.GetProperty("targets")
                .EnumerateObject()
                .SelectMany(target => target.Value.EnumerateObject())
                .Where(package => package.Value.GetProperty("type").GetString() == "package" && HasFiles(package.Value))
                .Select(package => package.Name.Split('/')[0])
                .Distinct()
                .Order(StringComparer.Ordinal),
        ];
    }

    private static bool HasFiles(JsonElement package) =>
        new[] { "runtime", "native", "runtimeTargets" }.Any(kind =>
            package.TryGetProperty(kind, out JsonElement files)
            && files.EnumerateObject().Any(file => !file.Name.EndsWith("_._", StringComparison.Ordinal))
        );

    private static bool IsNamed(string package) => Named.Any(name => Covers(name, package));

    /// <summary>A name, or a family of them: <c>Akka.*</c>.</summary>
    private static bool Covers(string name, string package) =>
        name.EndsWith(".*", StringComparison.Ordinal)
            ? package == name[..^2] || package.StartsWith(name[..^1], StringComparison.Ordinal)
            : package == name;
}
