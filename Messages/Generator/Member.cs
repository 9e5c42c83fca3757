using Microsoft.CodeAnalysis;

namespace Troupe.Messages.Generator;

/// <summary>One member of an object that travels: its key, and whether a parameter of the constructor or an initializer sets it.</summary>
internal sealed class Member(IPropertySymbol property, int key)
{
    public string Name => property.Name;

    public int Key => key;

    public ITypeSymbol Type => property.Type;

    public bool IsRequired => property.IsRequired;

    /// <summary>It is not written while it and all behind it have their defaults.</summary>
    public bool IsAddedLater { get; } = property.GetAttributes().Any(one => one.AttributeClass?.Name == "AddedLaterAttribute");

    public string? Formatter { get; } = ValueSource.Attribute(property.GetAttributes());

    /// <summary>Null where the member is set by an initializer.</summary>
    public IParameterSymbol? Parameter { get; private set; }

    /// <summary>The members of a type and of those it is derived from, by their keys.</summary>
    public static List<Member> Of(INamedTypeSymbol type)
    {
        List<Member> members = [];
        for (INamedTypeSymbol? level = type; level is not null; level = level.BaseType)
        {
            foreach (IPropertySymbol property in level.GetMembers().OfType<IPropertySymbol>())
            {
                if (property.GetAttributes().FirstOrDefault(one => one.AttributeClass?.Name == "KeyAttribute") is { } named)
                {
                    members.Add(new Member(property, (int)named.ConstructorArguments[0].Value!));
                }
            }
        }

        members.Sort((one, other) => one.Key.CompareTo(other.Key));
        return members;
    }

    /// <summary>The constructor with the most parameters of which each is a member, told to the members; null where only initializers
    /// set them.</summary>
    public static IMethodSymbol? Constructor(INamedTypeSymbol type, List<Member> members)
    {
        IMethodSymbol? constructor = type
            .InstanceConstructors.Where(one =>
                one.DeclaredAccessibility == Accessibility.Public
                && one.Parameters.Length > 0
                && one.Parameters.All(parameter => members.Any(member => IsSetBy(member, parameter)))
            )
            .OrderByDescending(one => one.Parameters.Length)
            .FirstOrDefault();
        foreach (IParameterSymbol parameter in constructor?.Parameters ?? [])
        {
            members.First(member => IsSetBy(member, parameter)).Parameter = parameter;
        }

        return constructor;
    }

    private static bool IsSetBy(Member member, IParameterSymbol parameter) =>
        string.Equals(member.Name, parameter.Name, StringComparison.OrdinalIgnoreCase)
        && SymbolEqualityComparer.Default.Equals(member.Type, parameter.Type);
}
