using System.Globalization;

namespace Troupe.Hosting.Edge;

/// <summary>A request parameter: exactly one of the values is set. Numbers without a fraction are <see cref="Integer"/>.</summary>
internal readonly record struct InferParameter(
    string Name,
    string? Text = null,
    Int128? Integer = null,
    double? Number = null,
    bool? Flag = null
)
{
    /// <summary>The value as it would be written in text: a flag is <c>on</c> or <c>off</c>.</summary>
    public string Written =>
        Text
        ?? (
            Flag is { } flag ? (flag ? "on" : "off")
            : Integer is { } integer ? integer.ToString(CultureInfo.InvariantCulture)
            : Number is { } number ? number.ToString("R", CultureInfo.InvariantCulture)
            : ""
        );
}
