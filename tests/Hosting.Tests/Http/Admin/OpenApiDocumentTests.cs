using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Tests.Http.Admin;

/// <summary>The OpenAPI document is a file that is made from the endpoint table: here it is made again.</summary>
public sealed class OpenApiDocumentTests
{
    private const string Update = "TROUPE_UPDATE_OPENAPI";

    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [Fact]
    public void The_file_is_what_the_endpoint_table_says()
    {
        string file = Path.Combine(Root(), "Hosting", "Http", "Admin", "openapi.json");
        string made = OpenApiFromTable.Of(Endpoints.All).ToJsonString(Indented) + "\n";
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            File.WriteAllText(file, made);
        }

        Assert.True(
            made == File.ReadAllText(file),
            $"Hosting/Http/Admin/openapi.json is not what the endpoint table says. Write it anew with {Update}=1 dotnet test tests/Hosting.Tests --filter {nameof(OpenApiDocumentTests)}, build, and commit it."
        );
    }

    [Fact]
    public async Task What_is_served_is_that_file()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode());

        (int status, string contentType, string body) = await edge.GetAsync("/v2/troupe/openapi.json");

        Assert.Equal((200, "application/json"), (status, contentType));
        Assert.Equal(
            await File.ReadAllTextAsync(
                Path.Combine(Root(), "Hosting", "Http", "Admin", "openapi.json"),
                TestContext.Current.CancellationToken
            ),
            body
        );
    }

    [Fact]
    public void Every_reference_leads_somewhere_and_every_operation_has_its_own_name()
    {
        JsonObject document = OpenApiFromTable.Of(Endpoints.All);
        JsonObject schemas = document["components"]!["schemas"]!.AsObject();

        Assert.All(References(document), reference => Assert.True(schemas.ContainsKey(reference), reference));
        Assert.Equal(References(document).Distinct().Order(StringComparer.Ordinal), schemas.Select(schema => schema.Key));
        string[] names =
        [
            .. document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject()).Select(verb => (string)verb.Value!["operationId"]!),
        ];
        Assert.Equal(names.Length, names.Distinct().Count());
    }

    private static IEnumerable<string> References(JsonNode? node) =>
        node switch
        {
            JsonObject fields => fields.SelectMany(field =>
                field.Key == "$ref" ? [((string)field.Value!).Split('/')[^1]] : References(field.Value)
            ),
            JsonArray items => items.SelectMany(References),
            _ => [],
        };

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
