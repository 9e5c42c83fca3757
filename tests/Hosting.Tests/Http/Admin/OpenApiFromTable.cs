using System.ComponentModel.DataAnnotations;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using System.Text.Json.Serialization.Metadata;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Http.Server;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Tests.Http.Admin;

/// <summary>Makes the OpenAPI document: paths from the endpoint table, schemas from the generated contexts, words from the summaries of the
/// documents.</summary>
internal sealed partial class OpenApiFromTable
{
    private const string Suffix = "Document";

    private static readonly XDocument Summaries = XDocument.Load(
        Path.ChangeExtension(Path.Combine(AppContext.BaseDirectory, typeof(AdminJson).Assembly.GetName().Name!), "xml")
    );

    private readonly SortedDictionary<string, JsonNode> _schemas = new(StringComparer.Ordinal);
    private readonly JsonSchemaExporterOptions _options;

    private OpenApiFromTable() =>
        _options = new JsonSchemaExporterOptions { TransformSchemaNode = Transform, TreatNullObliviousAsNonNullable = true };

    public static JsonObject Of(IEnumerable<EdgeEndpoint> rows)
    {
        OpenApiFromTable document = new();
        JsonObject paths = [];
        foreach (EdgeEndpoint row in rows)
        {
            foreach (string path in EndpointTable.Paths(row.Pattern))
            {
                JsonObject verbs = (paths[path] ??= new JsonObject()).AsObject();
                verbs.Add(row.Verb.ToLowerInvariant(), document.Operation(row, path));
            }
        }

        AdminJson.Default.ErrorDocument.GetJsonSchemaAsNode(document._options);
        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = "Troupe",
                ["version"] = "1",
                ["description"] =
                    "Everything a Troupe node answers over HTTP. /v2 is the Open Inference Protocol V2 as Triton serves it; /v2/troupe administers the cluster as the node that is asked sees it. x-access names the class of callers.",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject
            {
                ["schemas"] = new JsonObject(document._schemas.Select(schema => KeyValuePair.Create(schema.Key, (JsonNode?)schema.Value))),
            },
        };
    }

    private JsonObject Operation(EdgeEndpoint row, string path)
    {
        // Of a pattern with a part that may be missing, the path that has it goes by a name of its own.
        string suffix =
            OptionalPart().Match(row.Pattern) is { Success: true } part && path.Contains(part.Groups[1].Value, StringComparison.Ordinal)
                ? "Of" + char.ToUpperInvariant(part.Groups[2].Value[0]) + part.Groups[2].Value[1..]
                : "";
        JsonObject operation = new()
        {
            ["operationId"] = char.ToLowerInvariant(row.Name[0]) + row.Name[1..] + suffix,
            ["summary"] = row.Summary,
            ["x-access"] = JsonNamingPolicy.KebabCaseLower.ConvertName(row.Access.ToString()),
        };
        JsonArray parameters =
        [
            .. Parameter().Matches(path).Select(match => PathParameter(match.Groups[1].Value)),
            .. row.Query is { } query ? query.Properties.Select(property => QueryParameter(query, property)) : [],
        ];
        if (parameters.Count > 0)
        {
            operation["parameters"] = parameters;
        }

        if (row.Body is { } body)
        {
            operation["requestBody"] = new JsonObject { ["content"] = Content(body.GetJsonSchemaAsNode(_options)) };
        }

        JsonObject done = new() { ["description"] = row.Document is { } answered ? SummaryOf(answered.Type) : "Done" };
        if (row.Document is { } document)
        {
            done["content"] = Content(document.GetJsonSchemaAsNode(_options));
        }

        operation["responses"] = new JsonObject
        {
            ["200"] = done,
            ["default"] = new JsonObject
            {
                ["description"] = "Refused or failed",
                ["content"] = Content(new JsonObject { ["$ref"] = "#/components/schemas/Error" }),
            },
        };
        return operation;
    }

    private static JsonObject Content(JsonNode schema) => new() { [Answer.Json] = new JsonObject { ["schema"] = schema } };

    private static JsonObject PathParameter(string name)
    {
        JsonObject schema = name switch
        {
            "version" => new JsonObject { ["type"] = "integer", ["minimum"] = 1 },
            "token" or "session" => new JsonObject { ["type"] = "string", ["pattern"] = "^[0-9a-f]{32}$" },
            _ => new JsonObject { ["type"] = "string" },
        };
        JsonObject parameter = new()
        {
            ["name"] = name,
            ["in"] = "path",
            ["required"] = true,
            ["schema"] = schema,
        };
        if (name == "name")
        {
            parameter["description"] = "Name of the model; taken letter for letter, nothing is percent-decoded";
        }

        return parameter;
    }

    private static JsonObject QueryParameter(JsonTypeInfo of, JsonPropertyInfo property)
    {
        JsonObject parameter = new()
        {
            ["name"] = property.Name,
            ["in"] = "query",
            ["schema"] = new JsonObject { ["type"] = "string" },
        };
        if (WordsOf(of.Type, property.Name) is { } words)
        {
            parameter["description"] = words;
        }

        return parameter;
    }

    /// <summary>Documents become components, nothing may be null, and every member has the words of its summary.</summary>
    private JsonNode Transform(JsonSchemaExporterContext context, JsonNode schema)
    {
        if (schema is JsonObject typed && typed["type"] is JsonArray types)
        {
            typed["type"] = types.Select(type => type!.GetValue<string>()).Single(type => type != "null");
        }

        if (context.TypeInfo.Kind == JsonTypeInfoKind.Object && context.TypeInfo.Type.Name.EndsWith(Suffix, StringComparison.Ordinal))
        {
            schema = Component(context.TypeInfo, schema.AsObject());
        }
        else if (context.PropertyInfo?.Name == "modes")
        {
            _schemas["ModeValues"] = Modes();
            schema = new JsonObject { ["$ref"] = "#/components/schemas/ModeValues" };
        }

        if (context.PropertyInfo is { } property && schema is JsonObject member)
        {
            member.Remove("default");
            if (WordsOf(property.DeclaringType, property.Name) is { } words)
            {
                member["description"] = words;
            }

            if (Property(property.DeclaringType, property.Name).GetCustomAttribute<AllowedValuesAttribute>() is { } allowed)
            {
                member["enum"] = new JsonArray([.. allowed.Values.Select(value => JsonValue.Create((string)value!))]);
            }
        }

        return schema;
    }

    private JsonObject Component(JsonTypeInfo type, JsonObject schema)
    {
        string name = type.Type.Name[..^Suffix.Length];
        string[] required =
        [
            .. type
                .Properties.Where(property =>
                    !property.IsGetNullable
                    && Nullable.GetUnderlyingType(property.PropertyType) is null
                    && property.AssociatedParameter is not { HasDefaultValue: true }
                )
                .Select(property => property.Name),
        ];
        JsonObject component = new() { ["type"] = "object", ["description"] = SummaryOf(type.Type) };
        if (required.Length > 0)
        {
            component["required"] = new JsonArray([.. required.Select(one => JsonValue.Create(one))]);
        }

        component["properties"] = schema["properties"]!.DeepClone();
        component["additionalProperties"] = false;
        _schemas[name] = component;
        return new JsonObject { ["$ref"] = $"#/components/schemas/{name}" };
    }

    /// <summary>The modes by name, each with what it does and may be.</summary>
    private static JsonObject Modes() =>
        new()
        {
            ["type"] = "object",
            ["properties"] = new JsonObject(
                ModeField.All.Select(mode =>
                {
                    JsonObject schema = Values(mode.Schema);
                    schema["description"] = $"{mode.Documentation}: {mode.Form}";
                    return KeyValuePair.Create(mode.Name, (JsonNode?)schema);
                })
            ),
        };

    /// <summary>The words a mode has, and values of another type where it takes them.</summary>
    private static JsonObject Values(ModeSchema schema)
    {
        JsonObject words = new()
        {
            ["type"] = "string",
            ["enum"] = new JsonArray([.. schema.Words.Select(word => JsonValue.Create(word))]),
        };
        return schema.OtherType switch
        {
            null => words,
            "string" => new JsonObject { ["type"] = "string" },
            string other => new JsonObject { ["oneOf"] = new JsonArray(words, new JsonObject { ["type"] = other }) },
        };
    }

    private static PropertyInfo Property(Type type, string name) =>
        type.GetProperties().Single(property => JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name) == name);

    private static string SummaryOf(Type type) => Words(Member(type)?.Element("summary")) ?? "";

    private static string? WordsOf(Type type, string name) =>
        Words(Member(type)?.Elements("param").FirstOrDefault(param => param.Attribute("name")!.Value == Property(type, name).Name));

    private static XElement? Member(Type type) =>
        Summaries.Descendants("member").FirstOrDefault(member => member.Attribute("name")!.Value == "T:" + type.FullName);

    private static string? Words(XElement? element) => element is null ? null : Space().Replace(element.Value, " ").Trim();

    [GeneratedRegex(@"\[([^\]]*\{(\w+)\}[^\]]*)\]")]
    private static partial Regex OptionalPart();

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Parameter();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
