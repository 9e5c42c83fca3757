using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Troupe.Messages.Tests;

/// <summary>A folder is a room with a place in an order (<c>rooms.txt</c>); it uses only rooms that stand before it.</summary>
public sealed class RoomsTests
{
    private static readonly string[] Order =
    [
        .. File.ReadLines(Path.Combine(ArchitectureTests.Root, "tests", "Messages.Tests", "rooms.txt"))
            .Where(line => line.Length > 0 && line[0] != '#'),
    ];

    public static TheoryData<string> Projects => [.. ArchitectureTests.Line];

    [Theory, MemberData(nameof(Projects))]
    public void A_room_uses_only_rooms_before_it(string project) => Assert.Equal([], Arrows(ProductCode.Compilation, project));

    [Theory, MemberData(nameof(Projects))]
    public void A_planted_arrow_is_found_with_its_line(string project)
    {
        // The last room that has a type of its own, named from the first one.
        INamedTypeSymbol high = Types(ProductCode.Compilation)
            .Last(type =>
                RoomOf(FileOf(type))
                == Order.Last(room =>
                    room.StartsWith(project + "/", StringComparison.Ordinal)
                    && Types(ProductCode.Compilation).Any(other => RoomOf(FileOf(other)) == room)
                )
            );
        string low = Order.First(room => room.StartsWith(project + "/", StringComparison.Ordinal));
        string planted =
            $"namespace Troupe.{low.Replace('/', '.')};\n\n/// <summary>Knows <see cref=\"{high.ToDisplayString()}\"/>.</summary>\ninternal sealed class Planted\n{{\n    public object Arrow() => typeof({high.ToDisplayString()});\n}}\n";
        Assert.Equal(
            [
                $"{low}/Planted.cs:3 uses {high.Name} of {RoomOf(FileOf(high))}",
                $"{low}/Planted.cs:6 uses {high.Name} of {RoomOf(FileOf(high))}",
            ],
            Arrows(ProductCode.Compilation.AddSyntaxTrees(ProductCode.Parse($"{low}/Planted.cs", planted)), project)
        );
    }

    [Fact]
    public void Every_folder_with_sources_is_a_room_and_every_room_has_sources()
    {
        HashSet<string> folders =
        [
            .. ArchitectureTests
                .Line.SelectMany(ArchitectureTests.Sources)
                .Select(file => Path.GetDirectoryName(Path.GetRelativePath(ArchitectureTests.Root, file))!),
        ];
        Assert.Equal(folders.Order(StringComparer.Ordinal), Order.Order(StringComparer.Ordinal));
    }

    /// <summary>Test folders mirror source folders; what tests a whole project rather than a room of it stands in folders of its
    /// own.</summary>
    [Theory]
    [InlineData("Messages")]
    [InlineData("Runtime", "Simulation")]
    [InlineData("Actors", "Simulation", "Soak")]
    [InlineData("Hosting")]
    public void A_folder_of_tests_is_named_after_a_room(string project, params string[] whole) =>
        Assert.All(
            ArchitectureTests
                .Sources(Path.Combine("tests", $"{project}.Tests"))
                .Select(file =>
                    Path.GetDirectoryName(Path.GetRelativePath(Path.Combine(ArchitectureTests.Root, "tests", $"{project}.Tests"), file))!
                )
                .Where(folder => folder.Length > 0 && !whole.Contains(folder)),
            folder =>
                Assert.Contains(
                    Order,
                    room => room == $"{project}/{folder}" || room.StartsWith($"{project}/{folder}/", StringComparison.Ordinal)
                )
        );

    [Fact]
    public void Every_room_has_a_folder_of_tests() =>
        Finding.None(
            Order
                .Where(room => room.Contains('/', StringComparison.Ordinal))
                .Select(room =>
                    $"tests/{room[..room.IndexOf('/', StringComparison.Ordinal)]}.Tests/{room[(room.IndexOf('/', StringComparison.Ordinal) + 1)..]}"
                )
                .Where(folder =>
                    !Directory.Exists(Path.Combine(ArchitectureTests.Root, folder)) || !ArchitectureTests.Sources(folder).Any()
                )
        );

    private static List<string> Arrows(CSharpCompilation product, string project)
    {
        SortedSet<(string File, int Line, string Text)> found = [];
        foreach (SyntaxTree tree in product.SyntaxTrees.Where(tree => tree.FilePath.StartsWith(project + "/", StringComparison.Ordinal)))
        {
            SemanticModel model = product.GetSemanticModel(tree);
            int place = PlaceOf(tree.FilePath);
            foreach (
                SimpleNameSyntax name in tree.GetRoot(TestContext.Current.CancellationToken)
                    .DescendantNodes(descendIntoTrivia: true)
                    .OfType<SimpleNameSyntax>()
            )
            {
                if (
                    Used(model, name) is { } type
                    && FileOf(type) is { } file
                    && file.StartsWith(project + "/", StringComparison.Ordinal)
                    && PlaceOf(file) > place
                )
                {
                    found.Add(
                        (tree.FilePath, tree.GetLineSpan(name.Span).StartLinePosition.Line + 1, $"uses {type.Name} of {RoomOf(file)}")
                    );
                }
            }
        }

        return [.. found.Select(arrow => $"{arrow.File}:{arrow.Line} {arrow.Text}")];
    }

    /// <summary>The top-level type that a name refers to: itself, or the owner of an extension method or a static member.</summary>
    private static INamedTypeSymbol? Used(SemanticModel model, SimpleNameSyntax name)
    {
        SymbolInfo info = model.GetSymbolInfo(name);
        INamedTypeSymbol? type = (info.Symbol ?? info.CandidateSymbols.FirstOrDefault()) switch
        {
            INamedTypeSymbol named => named,
            IAliasSymbol { Target: INamedTypeSymbol named } => named,
            IMethodSymbol { ReducedFrom: { } extension } => extension.ContainingType,
            IMethodSymbol { MethodKind: MethodKind.Constructor } constructor => constructor.ContainingType,
            { IsStatic: true, ContainingType: { } owner } => owner,
            _ => null,
        };
        while (type?.ContainingType is { } outer)
        {
            type = outer;
        }

        return type;
    }

    private static IEnumerable<INamedTypeSymbol> Types(CSharpCompilation product) =>
        product.SyntaxTrees.SelectMany(tree =>
            tree.GetRoot()
                .DescendantNodes()
                .OfType<BaseTypeDeclarationSyntax>()
                .Where(type => type.Parent is BaseNamespaceDeclarationSyntax)
                .Select(type => product.GetSemanticModel(tree).GetDeclaredSymbol(type)!)
        );

    private static string FileOf(INamedTypeSymbol type) => type.DeclaringSyntaxReferences.FirstOrDefault()?.SyntaxTree.FilePath ?? "";

    private static string RoomOf(string file) => Path.GetDirectoryName(file)!;

    private static int PlaceOf(string file) => Array.IndexOf(Order, RoomOf(file));
}
