namespace Troupe.Runtime.Configuration;

/// <summary>What a token of the text format is.</summary>
internal enum TextTokenKind
{
    End,
    Identifier,

    /// <summary>Begins with a digit or a point; what it is worth is seen where it is used.</summary>
    Number,

    /// <summary>With its quotes.</summary>
    Text,

    /// <summary>One character of punctuation.</summary>
    Symbol,
}

/// <summary>A token of the text format and where it stands.</summary>
internal readonly record struct TextToken(TextTokenKind Kind, int Start, int Length);
