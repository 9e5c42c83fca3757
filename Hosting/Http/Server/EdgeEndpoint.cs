using System.Buffers;
using System.Text.Json.Serialization.Metadata;

namespace Troupe.Hosting.Http.Server;

/// <summary>One row of the endpoint table: all that is fixed for a verb at a path, whatever the request holds.</summary>
/// <param name="Name">Names it in the OpenAPI document.</param>
/// <param name="Verb">Upper case; any other at its path is 405.</param>
/// <param name="Pattern">Segments; <c>{name}</c> stands for any one, <c>{version}</c> for a number, and what is in brackets may be
/// missing.</param>
/// <param name="ContentType">Label of 405 and of answers without content, as Triton gives it.</param>
/// <param name="Summary">One line for the OpenAPI document.</param>
internal record EdgeEndpoint(
    string Name,
    string Verb,
    string Pattern,
    Access Access,
    EndpointHandler Handler,
    string ContentType,
    string Summary
)
{
    /// <summary>What may stand in its query; null: nothing is read there.</summary>
    public JsonTypeInfo? Query { get; init; }

    /// <summary>What its body holds; null: none, or not one of Troupe's documents.</summary>
    public virtual JsonTypeInfo? Body => null;

    /// <summary>What it answers when it succeeds; null: not one of Troupe's documents.</summary>
    public virtual JsonTypeInfo? Document => null;

    /// <summary>What may stand in a segment as it is; nothing here decodes what stands there otherwise.</summary>
    private static readonly SearchValues<char> Plain = SearchValues.Create(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
    );

    /// <summary>The path for these values of its parameters, in their order, each escaped: it stays in its segment.</summary>
    public string Path(params ReadOnlySpan<string> values)
    {
        int count = values.Length;
        string path = EndpointTable.Paths(Pattern).First(one => one.AsSpan().Count('{') == count);
        foreach (string value in values)
        {
            int open = path.IndexOf('{', StringComparison.Ordinal),
                close = path.IndexOf('}', StringComparison.Ordinal);
            path = string.Concat(path.AsSpan(0, open), Escaped(value), path.AsSpan(close + 1));
        }

        return path;
    }

    /// <summary>A name of dots alone would be taken for a step in the path.</summary>
    private static string Escaped(string value) =>
        value is "." or ".." ? value.Replace(".", "%2E", StringComparison.Ordinal)
        : value.AsSpan().ContainsAnyExcept(Plain)
            ? string.Concat(
                value
                    .EnumerateRunes()
                    .Select(rune =>
                        rune.IsBmp && Plain.Contains((char)rune.Value) ? rune.ToString() : Uri.EscapeDataString(rune.ToString())
                    )
            )
        : value;
}

/// <summary>An endpoint without a body that answers with a document.</summary>
internal sealed record EdgeEndpoint<TDocument>(
    string Name,
    string Verb,
    string Pattern,
    Access Access,
    EndpointHandler Handler,
    string Summary,
    JsonTypeInfo<TDocument> Answered
) : EdgeEndpoint(Name, Verb, Pattern, Access, Handler, Answer.Json, Summary)
{
    public override JsonTypeInfo Document => Answered;
}

/// <summary>An endpoint that reads a document, which may be missing, and answers with one.</summary>
internal sealed record EdgeEndpoint<TBody, TDocument>(
    string Name,
    string Verb,
    string Pattern,
    Access Access,
    EndpointHandler Handler,
    string Summary,
    JsonTypeInfo<TBody> Asked,
    JsonTypeInfo<TDocument> Answered
) : EdgeEndpoint(Name, Verb, Pattern, Access, Handler, Answer.Json, Summary)
{
    public override JsonTypeInfo Body => Asked;

    public override JsonTypeInfo Document => Answered;
}
