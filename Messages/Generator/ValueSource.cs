using Microsoft.CodeAnalysis;

namespace Troupe.Messages.Generator;

/// <summary>How a value of one type is written and read: a call of the writer and reader themselves for numbers, of a formatter known at
/// build time for everything else.</summary>
internal static class ValueSource
{
    private const string Formatters = "global::Troupe.Messages.Formatters.";
    private const string Standard = "global::MessagePack.Formatters.";

    private static readonly Dictionary<SpecialType, string> Numbers = new()
    {
        [SpecialType.System_Boolean] = "Boolean",
        [SpecialType.System_Int32] = "Int32",
        [SpecialType.System_Int64] = "Int64",
        [SpecialType.System_UInt64] = "UInt64",
        [SpecialType.System_Double] = "Double",
    };

    /// <summary>The statement that writes <paramref name="value"/>; null where no formatter for the type is known.</summary>
    public static string? Write(ITypeSymbol type, string? formatter, string value)
    {
        if (formatter is null && Numbers.ContainsKey(type.SpecialType))
        {
            return $"writer.Write({value});";
        }

        if (formatter is null && Inner(type) is { } inner)
        {
            return Write(inner, null, $"{value}.GetValueOrDefault()") is { } statement
                ? $"if ({value}.HasValue) {{ {statement} }} else {{ writer.WriteNil(); }}"
                : null;
        }

        return (formatter ?? Formatter(type)) is { } known ? $"{known}.Serialize(ref writer, {value}, options);" : null;
    }

    /// <summary>The expression that reads a value of the type.</summary>
    public static string? Read(ITypeSymbol type, string? formatter)
    {
        if (formatter is null && Numbers.TryGetValue(type.SpecialType, out string? number))
        {
            return $"reader.Read{number}()";
        }

        if (formatter is null && Inner(type) is { } inner)
        {
            return Read(inner, null) is { } expression ? $"reader.TryReadNil() ? ({Name(type)})null : {expression}" : null;
        }

        return (formatter ?? Formatter(type)) is { } known ? $"{known}.Deserialize(ref reader, options)" : null;
    }

    /// <summary>The one instance of the formatter of a type, as an expression; null where there is none.</summary>
    public static string? Formatter(ITypeSymbol type)
    {
        if (Numbers.TryGetValue(type.SpecialType, out string? number))
        {
            return $"{Standard}{number}Formatter.Instance";
        }

        if (type.SpecialType == SpecialType.System_String)
        {
            return $"{Formatters}StringFormatter.Instance";
        }

        if (type.TypeKind == TypeKind.Enum)
        {
            return $"{Formatters}EnumFormatter<{Name(type)}>.Instance";
        }

        if (type is IArrayTypeSymbol { Rank: 1 } array)
        {
            return Formatter(array.ElementType) is null
                ? null
                : $"{Formatters}BoundedListFormatter<{Name(array.ElementType)}>.By({Formatter(array.ElementType)})";
        }

        return Attribute(type.GetAttributes())
            ?? Name(type) switch
            {
                "global::System.Guid" => $"{Formatters}StrictGuidFormatter.Instance",
                "global::System.TimeSpan" => $"{Standard}TimeSpanFormatter.Instance",
                _ when FormatterSource.IsWritten(type) => $"{FormatterSource.NameOf(type)}Formatter.Instance",
                _ => null,
            };
    }

    /// <summary>The formatter that a <c>[MessagePackFormatter]</c> names.</summary>
    public static string? Attribute(IEnumerable<AttributeData> attributes) =>
        attributes.FirstOrDefault(one => one.AttributeClass?.Name == "MessagePackFormatterAttribute") is { } named
            ? $"{Name((ITypeSymbol)named.ConstructorArguments[0].Value!)}.Instance"
            : null;

    public static string Name(ITypeSymbol type) =>
        type.WithNullableAnnotation(NullableAnnotation.NotAnnotated).ToDisplayString(SymbolDisplayFormat.FullyQualifiedFormat);

    private static ITypeSymbol? Inner(ITypeSymbol type) =>
        type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable
            ? nullable.TypeArguments[0]
            : null;
}
