using System.Diagnostics;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>The endpoint table as paths: what leads where, what it names, and how little that costs.</summary>
public sealed class EndpointTableTests(ITestOutputHelper output)
{
    private static readonly EndpointTable Table = new(Endpoints.All);

    public static TheoryData<string> Names => [.. Endpoints.All.Select(row => row.Name)];

    [Theory]
    [InlineData("/v2", "ServerMetadata", "", null)]
    [InlineData("/v2?x=1", "ServerMetadata", "", null)]
    [InlineData("/v2/health/live?verbose=1", "ServerLive", "", null)]
    [InlineData("/v2/health/ready", "ServerReady", "", null)]
    [InlineData("/v2/models/simple", "ModelMetadata", "simple", null)]
    [InlineData("/v2/models/simple/versions/3", "ModelMetadata", "simple", 3)]
    [InlineData("/v2/models/simple/versions/01/ready", "ModelReady", "simple", 1)]
    [InlineData("/v2/models/simple/versions/99999999999999999999/ready", "ModelReady", "simple", -1)]
    [InlineData("/v2/models/simple/config", "ModelConfig", "simple", null)]
    [InlineData("/v2/models/stats", "AllStatistics", "", null)]
    [InlineData("/v2/models/stats/stats", "ModelStatistics", "stats", null)]
    [InlineData("/v2/models/%73imple/infer", "Infer", "%73imple", null)]
    [InlineData("/v2/models/simple%2Finfer", "ModelMetadata", "simple%2Finfer", null)]
    [InlineData("/v2/models/infer", "ModelMetadata", "infer", null)]
    [InlineData("/v2/models/stats/infer?x=/infer", "Infer", "stats", null)]
    [InlineData("/v2/models/sim+ple/versions/2/infer", "Infer", "sim+ple", 2)]
    [InlineData("/v2/repository/index", "RepositoryIndex", "", null)]
    [InlineData("/v2/repository/nope/index", "RepositoryIndex", "", null)]
    [InlineData("/v2/repository/models/m/load", "RepositoryLoad", "m", null)]
    [InlineData("/v2/repository/models/m/unload", "RepositoryUnload", "m", null)]
    [InlineData("/v2/repository/repo/models/m/load", "NamedRepositoryLoad", "m", null)]
    [InlineData("/v2/troupe/devices", "ListDevices", "", null)]
    [InlineData("/v2/troupe/models/m/load", "LoadModel", "m", null)]
    [InlineData("/v2/repository/repo/models/m/unload", "NamedRepositoryUnload", "m", null)]
    [InlineData("/v2/troupe/models/m/unload", "UnloadModel", "m", null)]
    [InlineData("/v2/troupe/modes/set", "SetMode", "", null)]
    [InlineData("/v2/troupe/modes/0123/renew", "RenewMode", "0123", null)]
    [InlineData("/v2/troupe/modes/0123", "ExitMode", "0123", null)]
    [InlineData("/v2/troupe/sessions/0123", "CloseSession", "0123", null)]
    public void A_path_is_taken_apart(string target, string endpoint, string name, int? version)
    {
        EndpointPath? path = Table.Find(target, out EdgeRoute route);

        Assert.Equal(endpoint, path?.For(Row(endpoint).Verb)?.Name);
        Assert.Equal(new EdgeRoute(name, version), route);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("")]
    [InlineData("*")]
    [InlineData("/v2/")]
    [InlineData("/v20")]
    [InlineData("/%76%32/health/live")]
    [InlineData("/v2/health/Live")]
    [InlineData("/v2/health/live/")]
    [InlineData("/v2/models/")]
    [InlineData("/v2/models//simple")]
    [InlineData("/v2/models//infer")]
    [InlineData("/v2/models/../health/live")]
    [InlineData("/v2/models/simple/versions")]
    [InlineData("/v2/models/simple/versions//infer")]
    [InlineData("/v2/models/simple/versions/abc/ready")]
    [InlineData("/v2/models/simple/versions/1x")]
    [InlineData("/v2/models/simple/infer/")]
    [InlineData("/v2/models/simple/predict")]
    [InlineData("/v2/models/stats/")]
    [InlineData("/v2/repository/models")]
    [InlineData("/v2/repository/models/m")]
    [InlineData("/v2/repository/index/")]
    [InlineData("/v2/repository/models/m/load/")]
    [InlineData("/v2/repository/repo/")]
    [InlineData("/v2/troupe/")]
    public void Anything_else_is_no_endpoint(string target) => Assert.Null(Table.Find(target, out _));

    [Theory, MemberData(nameof(Names))]
    public void Every_row_is_found_by_each_of_its_paths_and_says_what_the_document_needs(string name)
    {
        EdgeEndpoint row = Row(name);

        Assert.NotEmpty(row.Summary);
        foreach (string pattern in EndpointTable.Paths(row.Pattern))
        {
            string target = pattern.Replace("{version}", "3", StringComparison.Ordinal);
            EndpointPath path = Table.Find(target, out EdgeRoute route)!;
            Assert.Same(row, path.For(row.Verb));
            Assert.Contains(row.Verb, path.Allow.Split(", "));
            Assert.Equal(pattern.Contains("{version}", StringComparison.Ordinal) ? 3 : null, route.Version);
            Assert.Equal(pattern.Split('/').FirstOrDefault(part => part is "{name}" or "{token}" or "{session}") ?? "", route.Name);
        }
    }

    /// <summary>What a later authorisation closes: a row in the wrong class is a door.</summary>
    [Fact]
    public void Reading_is_for_readers_changing_for_writers_and_only_health_is_for_all()
    {
        Assert.Equal(
            ["ServerLive", "ServerReady", "ModelReady"],
            Endpoints.All.Where(row => row.Access == Access.Health).Select(row => row.Name)
        );
        Assert.All(
            Endpoints.All.Where(row => row.Verb != "GET" && row.Name is not ("Infer" or "RepositoryIndex")),
            row => Assert.Equal(Access.AdminWrite, row.Access)
        );
        Assert.All(
            Endpoints.All.Where(row => row.Verb == "GET" && row.Pattern.StartsWith("/v2/troupe/", StringComparison.Ordinal)),
            row => Assert.Equal(Access.AdminRead, row.Access)
        );
        Assert.Equal(Access.Inference, Endpoints.Infer.Access);
    }

    [Theory]
    [InlineData("/v2/troupe/models/m/load", "LoadModel", "m")]
    [InlineData("/v2/troupe/models/a+b%20@1/load", "LoadModel", "a+b @1")]
    [InlineData("/v2/troupe/models/a%2Fb%3F%23/load", "LoadModel", "a/b?#")]
    [InlineData("/v2/troupe/models/%C3%A9%F0%9F%98%80/load", "LoadModel", "é😀")]
    [InlineData("/v2/models/%2E%2E/infer", "Infer", "..")]
    [InlineData("/v2/models/m/infer", "Infer", "m")]
    [InlineData("/v2/models/m/versions/2/infer", "Infer", "m", "2")]
    [InlineData("/v2/troupe/modes", "ListModes")]
    public void A_path_is_made_from_its_row_and_a_value_stays_in_its_segment(string path, string endpoint, params string[] values) =>
        Assert.Equal(path, Row(endpoint).Path(values));

    [Fact]
    public void Two_endpoints_cannot_share_verb_and_path()
    {
        EdgeEndpoint row = Endpoints.ServerLive;

        Assert.Contains(
            "ServerLive and Again",
            Assert.Throws<ArgumentException>(() => new EndpointTable([row, row with { Name = "Again" }])).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("GET, POST", new EndpointTable([row, row with { Verb = "POST" }]).Find(row.Pattern, out _)!.Allow);
    }

    [Fact]
    public void A_path_that_the_first_row_would_hide_is_refused() =>
        Assert.Contains(
            "'/v2/models/all/infer' would be taken for",
            Assert
                .Throws<ArgumentException>(() =>
                    new EndpointTable([Endpoints.Infer, Endpoints.ServerLive with { Pattern = "/v2/models/all/infer" }])
                )
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Finding_the_way_of_an_inference_makes_nothing_but_the_model_s_name()
    {
        foreach (string target in new[] { "/v2/models/fmnist/infer", "/v2/models/fmnist/versions/1/infer" })
        {
            Assert.Equal(40, Cost(target));
        }
    }

    /// <summary>Bytes that one look-up allocates: "fmnist" takes 40.</summary>
    private long Cost(string target)
    {
        const int rounds = 20_000;
        Assert.Equal(rounds, Found(target, rounds));
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Assert.Equal(rounds, Found(target, rounds));
        double nanoseconds = Stopwatch.GetElapsedTime(start).TotalNanoseconds / rounds;
        long cost = (GC.GetAllocatedBytesForCurrentThread() - before) / rounds;
        output.WriteLine($"{target}: {cost} bytes, {nanoseconds:F0} ns");
        return cost;
    }

    private static int Found(string target, int rounds)
    {
        int found = 0;
        for (int i = 0; i < rounds; i++)
        {
            found += ReferenceEquals(Endpoints.Infer, Table.Find(target, out _)!.For("POST")) ? 1 : 0;
        }

        return found;
    }

    private static EdgeEndpoint Row(string name) => Endpoints.All.Single(row => row.Name == name);
}
