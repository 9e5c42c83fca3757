using System.Text.Json;
using Troupe.Hosting.Options;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Who loads and unloads models, from where, and what is said of those that are not served: over real sockets.</summary>
public sealed class RepositoryControlTests : IDisposable
{
    private readonly ModuleFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_model_that_fails_at_start_is_unavailable_with_its_reason_and_the_node_is_not_ready_until_it_is_loaded()
    {
        Add("good/1");
        Write("bad/config.pbtxt", "nme: 'bad'");
        Add("empty/1");
        File.Delete(Path.Combine(_folder.Path, "empty/1/model.onnx"));
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { Models = [_folder.Path] });
        Assert.Equal(400, await node.StatusAsync("GET", "/v2/health/ready"));
        Dictionary<string, JsonElement> index = await IndexAsync(node);
        Assert.Equal("READY", State(index["good"]));
        Assert.Equal("UNAVAILABLE", State(index["empty"]));
        Assert.Contains("holds none of", index["empty"].GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Contains(
            "available",
            (await node.SendAsync("GET", "/v2/models/empty")).Body.GetProperty("error").GetString(),
            StringComparison.Ordinal
        );

        Add("empty/1");
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/empty/load"));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
    }

    [Fact]
    public async Task With_lenient_readiness_only_the_model_is_not_ready()
    {
        Add("good/1");
        Write("bad/1/model.onnx", "no model");
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { Models = [_folder.Path], StrictReadiness = false });
        Assert.Equal("UNAVAILABLE", State((await IndexAsync(node))["bad"]));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
        Assert.Equal(400, await node.StatusAsync("GET", "/v2/models/bad/ready"));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/models/good/ready"));
    }

    [Fact]
    public async Task An_unloaded_model_says_so_and_leaves_the_node_ready()
    {
        Add("m/1");
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { Models = [_folder.Path] });
        Assert.Equal(
            200,
            await node.StatusAsync("POST", "/v2/repository/models/m/unload", """{"parameters":{"unload_dependents":true}}""")
        );
        JsonElement row = (await IndexAsync(node))["m"];
        Assert.Equal(("UNAVAILABLE", "unloaded"), (State(row), row.GetProperty("reason").GetString()));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
        (int status, JsonElement body) = await node.SendAsync("GET", "/v2/models/m");
        Assert.Equal((404, "Request for unknown model: 'm' has no available versions"), (status, body.GetProperty("error").GetString()));
    }

    [Theory]
    [InlineData("/v2/repository/models/m/load", "POST")]
    [InlineData("/v2/repository/models/m/unload", "POST")]
    [InlineData("/v2/repository/models/nope/load", "POST")]
    [InlineData("/v2/troupe/models/m/load", "POST")]
    [InlineData("/v2/troupe/models/m/unload", "POST")]
    public async Task A_node_that_loads_for_nobody_says_so_in_tritons_words(string path, string verb)
    {
        Add("m/1");
        await using ServedNode node = await ServedNode.StartAsync(
            new ServeSpec { Models = [_folder.Path], ModelControl = ModelControl.None }
        );
        (int status, JsonElement body) = await node.SendAsync(verb, path);
        Assert.Equal(
            (503, "explicit model load / unload is not allowed if polling is enabled"),
            (status, body.GetProperty("error").GetString())
        );
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/models/m/ready"));
    }

    [Fact]
    public async Task Several_repositories_are_one_and_a_name_in_two_is_refused_naming_both()
    {
        Add("one/a/1");
        Add("one/b/1");
        Add("two/b/1");
        Add("two/c/1");
        string one = Path.Combine(_folder.Path, "one"),
            two = Path.Combine(_folder.Path, "two");
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { Models = [one, two] });
        Dictionary<string, JsonElement> index = await IndexAsync(node);
        Assert.Equal(("READY", "READY"), (State(index["a"]), State(index["c"])));
        Assert.Equal(
            $"Model 'b' is in {one} and in {two}. Leave it in one of these repositories, or rename one.",
            index["b"].GetProperty("reason").GetString()
        );
        Directory.Delete(Path.Combine(two, "b"), recursive: true);
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/b/load"));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
    }

    [Fact]
    public async Task A_link_out_of_the_repository_is_not_listed()
    {
        Add("repo/a/1");
        Add("elsewhere/b/1");
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "repo/b"), Path.Combine(_folder.Path, "elsewhere/b"));
        Directory.CreateSymbolicLink(Path.Combine(_folder.Path, "repo/c"), "a");
        await using ServedNode node = await ServedNode.StartAsync(Path.Combine(_folder.Path, "repo"), "none-of-them");
        Assert.Equal(["a", "c", "none-of-them"], (await IndexAsync(node)).Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_load_with_a_configuration_takes_it_in_place_of_the_folders_and_one_without_goes_back_to_that()
    {
        Add("m/1");
        Write("m/config.pbtxt", "max_batch_size: 7");
        await using ServedNode node = await ServedNode.StartAsync(new ServeSpec { Models = [_folder.Path] });
        Assert.Equal(7, await BatchAsync(node));
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/m/load", Config("""{"max_batch_size":3}""")));
        Assert.Equal(3, await BatchAsync(node));
        Assert.Equal(400, await node.StatusAsync("POST", "/v2/repository/models/m/load", Config("{")));
        Assert.Equal(400, await node.StatusAsync("POST", "/v2/repository/models/m/load", Config("""{"input":[{"name":"nope"}]}""")));
        Assert.Equal(3, await BatchAsync(node));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/m/load"));
        Assert.Equal(7, await BatchAsync(node));
    }

    [Fact]
    public async Task Files_that_a_load_brings_along_are_served_from_memory_and_gone_with_the_model()
    {
        byte[] bytes = await File.ReadAllBytesAsync(Model, TestContext.Current.CancellationToken);
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "none");
        string body = JsonSerializer.Serialize(
            new Dictionary<string, object>
            {
                ["parameters"] = new Dictionary<string, string>
                {
                    ["config"] = "{}",
                    ["file:5/model.onnx"] = Convert.ToBase64String(bytes),
                },
            }
        );
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/up/load", body));
        Assert.Equal(
            ["5"],
            (await node.AskAsync("GET", "/v2/models/up")).GetProperty("versions").EnumerateArray().Select(v => v.GetString())
        );
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
        Assert.Equal(200, await node.StatusAsync("POST", "/v2/repository/models/up/unload"));
        Assert.Equal(404, await node.StatusAsync("GET", "/v2/models/up"));
        Assert.Equal(400, await node.StatusAsync("POST", "/v2/repository/models/up/load"));
    }

    [Fact]
    public async Task A_polled_repository_is_followed()
    {
        Add("a/1");
        await using ServedNode node = await ServedNode.StartAsync(
            new ServeSpec { Models = [_folder.Path], ModelControl = ModelControl.Poll }
        );
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/models/a/ready"));
        Assert.Equal(503, await node.StatusAsync("POST", "/v2/repository/models/a/unload"));

        Add("b/1");
        Write("a/config.pbtxt", "max_batch_size: 5");
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/models/b/ready"));
        Assert.Equal(5, await BatchAsync(node, "a"));

        // It goes on as it was, and says nothing of it but in the log.
        Write("a/config.pbtxt", "max_batch_size: nothing");
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        Assert.Equal(5, await BatchAsync(node, "a"));

        // A new version takes the place of the one that the policy no longer chooses.
        File.Delete(Path.Combine(_folder.Path, "a/config.pbtxt"));
        Add("a/2");
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        await node.UntilAsync("GET", "/v2/models/a/versions/1/ready", 400);
        Assert.Equal(
            ["2"],
            (await node.AskAsync("GET", "/v2/models/a")).GetProperty("versions").EnumerateArray().Select(v => v.GetString())
        );

        Directory.Delete(Path.Combine(_folder.Path, "b"), recursive: true);
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        Assert.Equal(404, await node.StatusAsync("GET", "/v2/models/b"));
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));

        // What was never served is in the way for as long as its folder is there.
        Write("c/1/model.onnx", "no graph");
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        Assert.Equal(400, await node.StatusAsync("GET", "/v2/health/ready"));
        Directory.Delete(Path.Combine(_folder.Path, "c"), recursive: true);
        await node.Host.FollowAsync(TestContext.Current.CancellationToken);
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/ready"));
    }

    [Fact]
    public async Task A_load_that_announces_two_gibibytes_is_refused_before_they_come()
    {
        await using ServedNode node = await ServedNode.StartAsync(_folder.Path, "none");
        using RawClient client = await RawClient.ConnectAsync(new Uri(node.Url));
        await client.SendAsync(
            "POST /v2/repository/models/m/load HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2147483648\r\nConnection: close\r\n\r\n{\"parameters\":{\"file:1/model.onnx\":\""
        );
        string answer = await client.ReadToEndAsync();
        Assert.StartsWith("HTTP/1.1 4", answer, StringComparison.Ordinal);
        Assert.Contains("\"error\"", answer, StringComparison.Ordinal);
        Assert.Equal(200, await node.StatusAsync("GET", "/v2/health/live"));
    }

    private static string Model => Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fmnist", "1", "model.onnx");

    private static string Config(string json) =>
        JsonSerializer.Serialize(new Dictionary<string, object> { ["parameters"] = new Dictionary<string, string> { ["config"] = json } });

    private static async Task<int> BatchAsync(ServedNode node, string model = "m") =>
        (await node.AskAsync("GET", $"/v2/models/{model}/config")).GetProperty("max_batch_size").GetInt32();

    private static async Task<Dictionary<string, JsonElement>> IndexAsync(ServedNode node) =>
        (await node.AskAsync("POST", "/v2/repository/index")).EnumerateArray().ToDictionary(row => row.GetProperty("name").GetString()!);

    private static string? State(JsonElement row) => row.GetProperty("state").GetString();

    private void Add(string version)
    {
        string folder = Path.Combine(_folder.Path, version);
        Directory.CreateDirectory(folder);
        File.Copy(Model, Path.Combine(folder, "model.onnx"), overwrite: true);
    }

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder.Path, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
