using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Troupe.Messages.Tests;

/// <summary>No member that only tests or nobody call: what is not public for users of the libraries is used by product code.</summary>
/// <remarks>
/// Not members in this sense: constructors, operators, indexers and enum values; what overrides or implements another member; what a
/// serializer reads or writes (an attribute says so); the tables that mirror a vendor's header (<c>Interop</c> folders). Public members of
/// Messages, Runtime and Actors are for users and stand in <c>PublicAPI.*.txt</c>.
/// </remarks>
public sealed class DeadMembersTests
{
    /// <summary>Members that stay though no product code names them, and types whose members do, each with its reason.</summary>
    private static readonly Dictionary<string, string> Allowed = new[]
    {
        (
            "the port is a part of the vendor's API; the contract suite calls all of it, on emulated and on real devices",
            "ICudaDriver PointerAttributes IsSuccess"
        ),
        (
            "an owned handle offers what its vendor's handle can; the contract suite calls it",
            "DeviceStream.IsDone GraphExecutable.Upload GraphExecutable.Update Kernel.Launch KernelImage.Find RecordedGraph.NodeCount EmulatedStream.Priority KernelArguments.SharedBytes"
        ),
        ("faults, clock and reports: what a test drives an emulated device with", "EmulatedCudaDriver TimedExecution EmulatedObject"),
        ("called by formatters that are written at build time", "Families UnknownCases BoundedListFormatter.By"),
        ("a row of the endpoint table: all of them are read together", "Endpoints EdgeEndpoint"),
        ("a column of the failure map for a protocol that comes later", "FailureRow.Grpc"),
        (
            "what a core or a lane holds, for those who test it",
            "ExecutorCore.InFlight ExecutorCore.Waiting GpuCore.Health GpuModes.Present ModelDirectoryCore.IsIdle ModeDirectoryCore.Store ModeDirectoryCore.Open ModeDirectoryCore.IsReady ModesForGpu.InForce RouterDecision.Origin RouterDecision.Outcome ModuleInstance.Graph ModuleInstance.Lanes ModuleInstance.TryLease Lane.Graphs Lane.UnwrittenProfiles Lane.KeptOutputs BlockPool.Trim BoundSegment.ActiveProfile ModuleGraph.HasDataDependentShapes"
        ),
        (
            "the door for callers that work on the device, which is not public yet",
            "LocalModule.Forward LocalModule.Upload LocalModule.Download CallerStream.Joined CallerStream.Direct DeviceTensor.Part DeviceTensor.Return"
        ),
        ("how a program adds a back end of its own, which is not public yet", "BackendCatalogue.With"),
        ("part of a value that is made and compared whole", "EngineHome.LoadStream"),
    }
        .SelectMany(group => group.Item2.Split(' ').Select(member => (Member: member, Reason: group.Item1)))
        .ToDictionary(allowed => allowed.Member, allowed => allowed.Reason, StringComparer.Ordinal);

    private static readonly Lazy<List<string>> Found = new(() => Dead(ProductCode.Compilation));

    [Fact]
    public void Every_member_is_public_for_users_or_used_by_product_code() =>
        Finding.None(Found.Value.Where(member => !IsAllowed(NameOf(member))));

    [Fact]
    public void What_is_allowed_is_dead_indeed() =>
        Finding.None(
            Allowed.Keys.Where(allowed => !Found.Value.Any(found => NameOf(found).Split('.').Contains(allowed) || NameOf(found) == allowed))
        );

    [Fact]
    public void A_planted_member_that_nobody_calls_is_found()
    {
        const string planted = """
            namespace Troupe.Hosting.Cli;

            internal sealed class Planted : System.IDisposable
            {
                public static int Used(int value) => Unused2 + value;

                private static int Unused2 => Used(3);

                internal static void Unused() { }

                public void Dispose() { }

                public override string ToString() => nameof(Planted);
            }
            """;
        CSharpCompilation product = ProductCode.Compilation.RemoveAllSyntaxTrees();
        Assert.Equal(
            ["Hosting/Cli/Planted.cs:9 Planted.Unused"],
            Dead(product.AddSyntaxTrees(ProductCode.Parse("Hosting/Cli/Planted.cs", planted)))
        );
    }

    private static bool IsAllowed(string member) => Allowed.ContainsKey(member) || Allowed.ContainsKey(member.Split('.')[0]);

    private static string NameOf(string found) => found[(found.IndexOf(' ', StringComparison.Ordinal) + 1)..];

    private static List<string> Dead(CSharpCompilation product)
    {
        Uses uses = Uses.Of(product);
        Dictionary<INamedTypeSymbol, HashSet<ISymbol>> implemented = new(SymbolEqualityComparer.Default);
        HashSet<ISymbol> serialized = Serialized(product);
        List<string> dead = [];
        foreach (SyntaxTree tree in product.SyntaxTrees.Where(tree => !tree.FilePath.Contains("/Interop/", StringComparison.Ordinal)))
        {
            SemanticModel model = product.GetSemanticModel(tree);
            bool library = !tree.FilePath.StartsWith("Hosting/", StringComparison.Ordinal);
            foreach (MemberDeclarationSyntax declaration in tree.GetRoot().DescendantNodes().OfType<MemberDeclarationSyntax>())
            {
                foreach (ISymbol member in Declared(model, declaration))
                {
                    if (
                        !(library && IsPublic(member))
                        && !IsElsewhereKnown(member, implemented)
                        && !IsSerialized(member, serialized)
                        && !uses.Has(member)
                    )
                    {
                        int line = tree.GetLineSpan(declaration.Span).StartLinePosition.Line + 1;
                        dead.Add(
                            $"{tree.FilePath}:{line} {member.ContainingType?.Name}.{member.Name}".Replace(
                                " .",
                                " ",
                                StringComparison.Ordinal
                            )
                        );
                    }
                }
            }
        }

        return dead;
    }

    private static IEnumerable<ISymbol> Declared(SemanticModel model, MemberDeclarationSyntax declaration) =>
        declaration switch
        {
            EnumMemberDeclarationSyntax
            or BaseNamespaceDeclarationSyntax
            or ConstructorDeclarationSyntax
            or DestructorDeclarationSyntax
            or OperatorDeclarationSyntax
            or ConversionOperatorDeclarationSyntax
            or IndexerDeclarationSyntax
            or ExtensionBlockDeclarationSyntax
            or GlobalStatementSyntax => [],
            BaseFieldDeclarationSyntax field => field.Declaration.Variables.Select(variable => model.GetDeclaredSymbol(variable)!),
            RecordDeclarationSyntax { ParameterList: { } parameters } record =>
            [
                model.GetDeclaredSymbol(record)!,
                .. parameters.Parameters.SelectMany(parameter =>
                    model.GetDeclaredSymbol(record)!.GetMembers(parameter.Identifier.Text).OfType<IPropertySymbol>()
                ),
            ],
            _ => model.GetDeclaredSymbol(declaration) is { } symbol ? [symbol] : [],
        };

    private static bool IsSerialized(ISymbol member, HashSet<ISymbol> serialized) =>
        member is IPropertySymbol && member.ContainingType is { } owner && serialized.Contains(owner);

    /// <summary>What a generated serializer reads or writes: the types it is told, and those of their properties.</summary>
    private static HashSet<ISymbol> Serialized(CSharpCompilation product)
    {
        HashSet<ISymbol> types = new(SymbolEqualityComparer.Default);
        foreach (SyntaxTree tree in product.SyntaxTrees)
        {
            foreach (
                TypeOfExpressionSyntax told in tree.GetRoot()
                    .DescendantNodes()
                    .OfType<AttributeSyntax>()
                    .Where(attribute => attribute.Name.ToString() == "JsonSerializable")
                    .SelectMany(attribute => attribute.DescendantNodes().OfType<TypeOfExpressionSyntax>())
            )
            {
                Add(product.GetSemanticModel(tree).GetTypeInfo(told.Type).Type);
            }
        }

        return types;

        void Add(ITypeSymbol? type)
        {
            switch (type)
            {
                case IArrayTypeSymbol array:
                    Add(array.ElementType);
                    break;
                case INamedTypeSymbol named when types.Add(named.OriginalDefinition):
                    foreach (ITypeSymbol argument in named.TypeArguments)
                    {
                        Add(argument);
                    }

                    if (named.DeclaringSyntaxReferences.Length > 0)
                    {
                        foreach (IPropertySymbol property in named.GetMembers().OfType<IPropertySymbol>())
                        {
                            Add(property.Type);
                        }
                    }

                    break;
            }
        }
    }

    private static bool IsPublic(ISymbol member)
    {
        for (ISymbol? symbol = member; symbol is not null and not INamespaceSymbol; symbol = symbol.ContainingSymbol)
        {
            if (symbol.DeclaredAccessibility is not (Accessibility.Public or Accessibility.Protected or Accessibility.ProtectedOrInternal))
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsElsewhereKnown(ISymbol member, Dictionary<INamedTypeSymbol, HashSet<ISymbol>> implemented) =>
        member.IsOverride
        || member.GetAttributes().Any(attribute => attribute.AttributeClass?.Name is not ("ObsoleteAttribute" or "ThreadStaticAttribute"))
        || member
            is IMethodSymbol { ExplicitInterfaceImplementations.Length: > 0 }
                or IPropertySymbol { ExplicitInterfaceImplementations.Length: > 0 }
        || (member is IMethodSymbol { PartialImplementationPart: not null } or IMethodSymbol { PartialDefinitionPart: not null })
        || (
            member.ContainingType is { } owner
            && (
                Implemented(owner, implemented).Contains(member)
                || owner.GetAttributes().Any(attribute => attribute.AttributeClass?.Name == "InlineArrayAttribute")
                || (member.DeclaredAccessibility == Accessibility.Public && HasUnknownAncestor(owner))
            )
        );

    /// <summary>A base or an interface stands in a library that this compilation does not reference.</summary>
    private static bool HasUnknownAncestor(INamedTypeSymbol type) =>
        type.AllInterfaces.Any(face => face.TypeKind == TypeKind.Error)
        || (type.BaseType is { } ancestor && (ancestor.TypeKind == TypeKind.Error || HasUnknownAncestor(ancestor)));

    /// <summary>Members of a type that an interface asks for, of the type's own or of a framework's.</summary>
    private static HashSet<ISymbol> Implemented(INamedTypeSymbol type, Dictionary<INamedTypeSymbol, HashSet<ISymbol>> known)
    {
        if (!known.TryGetValue(type, out HashSet<ISymbol>? members))
        {
            members = new HashSet<ISymbol>(
                type.AllInterfaces.SelectMany(face => face.GetMembers())
                    .Select(type.FindImplementationForInterfaceMember)
                    .OfType<ISymbol>(),
                SymbolEqualityComparer.Default
            );
            known.Add(type, members);
        }

        return members;
    }

    /// <summary>What product code names: symbols where names resolve, names where they do not.</summary>
    private sealed class Uses
    {
        private readonly HashSet<ISymbol> _symbols = new(SymbolEqualityComparer.Default);
        private readonly HashSet<string> _unresolved = new(StringComparer.Ordinal);

        public static Uses Of(CSharpCompilation product)
        {
            Uses uses = new();
            foreach (SyntaxTree tree in product.SyntaxTrees)
            {
                SemanticModel model = product.GetSemanticModel(tree);
                foreach (SyntaxNode node in tree.GetRoot().DescendantNodes())
                {
                    switch (node)
                    {
                        case SimpleNameSyntax name:
                            uses.Add(model.GetSymbolInfo(name), name.Identifier.Text);
                            break;
                        case CommonForEachStatementSyntax loop:
                            ForEachStatementInfo info = model.GetForEachStatementInfo(loop);
                            uses.Add(info.GetEnumeratorMethod, info.MoveNextMethod, info.CurrentProperty, info.DisposeMethod);
                            break;
                        case AssignmentExpressionSyntax { Left: TupleExpressionSyntax or DeclarationExpressionSyntax } assignment:
                            uses.Add(model.GetDeconstructionInfo(assignment).Method);
                            break;
                        case PositionalPatternClauseSyntax:
                            uses._unresolved.Add("Deconstruct");
                            break;
                    }
                }
            }

            return uses;
        }

        /// <summary>It is named, or is a static class of which a member is.</summary>
        public bool Has(ISymbol member) =>
            _unresolved.Contains(member.Name)
            || _symbols.Contains(member.OriginalDefinition)
            || (member is INamedTypeSymbol { IsStatic: true } owner && owner.GetMembers().Any(HasIn));

        private bool HasIn(ISymbol member) =>
            _symbols.Contains(member.OriginalDefinition)
            || (member is INamedTypeSymbol nested && nested.GetMembers().Any(inner => _symbols.Contains(inner.OriginalDefinition)));

        private void Add(SymbolInfo info, string name)
        {
            if (info.Symbol is { } symbol)
            {
                Add(symbol);
            }
            else if (info.CandidateSymbols.Length > 0)
            {
                Add([.. info.CandidateSymbols]);
            }
            else
            {
                _unresolved.Add(name);
            }
        }

        private void Add(params ISymbol?[] symbols)
        {
            foreach (ISymbol symbol in symbols.OfType<ISymbol>())
            {
                ISymbol original = symbol.OriginalDefinition;
                _symbols.Add(original);
                if (original is IMethodSymbol { ReducedFrom: { } extension })
                {
                    _symbols.Add(extension.OriginalDefinition);
                }

                if (original is IMethodSymbol { MethodKind: MethodKind.Constructor } constructor)
                {
                    _symbols.Add(constructor.ContainingType);
                }

                if (original is IMethodSymbol { AssociatedExtensionImplementation: { } implementation })
                {
                    _symbols.Add(implementation);
                }
            }
        }
    }
}
