using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Troupe.Messages.Tests;

/// <summary>All product sources as one compilation, for rules about who uses whom. Generated code is not in it, so that some names stay
/// unresolved.</summary>
internal static class ProductCode
{
    /// <summary>What every project uses without saying so.</summary>
    private const string GlobalUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly Lazy<CSharpCompilation> Compiled = new(() =>
        CSharpCompilation.Create(
            "product",
            ArchitectureTests
                .Line.SelectMany(ArchitectureTests.Sources)
                .Select(file => Parse(Path.GetRelativePath(ArchitectureTests.Root, file), File.ReadAllText(file)))
                .Prepend(Parse("GlobalUsings.cs", GlobalUsings)),
            ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!)
                .Split(Path.PathSeparator)
                .Where(path => !Path.GetFileName(path).StartsWith("Troupe.", StringComparison.Ordinal))
                .Select(path => MetadataReference.CreateFromFile(path))
        )
    );

    public static CSharpCompilation Compilation => Compiled.Value;

    public static SyntaxTree Parse(string path, string text) =>
        CSharpSyntaxTree.ParseText(text, new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.Parse), path);
}
