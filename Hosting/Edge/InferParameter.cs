namespace Troupe.Hosting.Edge;

/// <summary>A request parameter: exactly one of the values is set. Numbers without a fraction are <see cref="Integer"/>.</summary>
internal readonly record struct InferParameter(
    string Name,
    string? Text = null,
    long? Integer = null,
    double? Number = null,
    bool? Flag = null
);
