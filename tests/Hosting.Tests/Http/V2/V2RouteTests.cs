using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Tests.Http.V2;

public sealed class V2RouteTests
{
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
    [InlineData("/v2/models/sim+ple/versions/2/infer", "Infer", "sim+ple", 2)]
    [InlineData("/v2/repository/index", "RepositoryIndex", "", null)]
    [InlineData("/v2/repository/nope/index", "RepositoryIndex", "", null)]
    [InlineData("/v2/repository/models/m/load", "RepositoryLoad", "m", null)]
    [InlineData("/v2/repository/models/m/unload", "RepositoryUnload", "m", null)]
    [InlineData("/v2/repository/repo/models/m/load", "NamedRepository", "m", null)]
    [InlineData("/v2/troupe/devices", "TroupeDevices", "", null)]
    [InlineData("/v2/troupe/models/m/load", "TroupeLoad", "m", null)]
    public void A_path_is_taken_apart(string target, string endpoint, string model, int? version) =>
        Assert.Equal(
            new V2Route(Enum.Parse<V2Endpoint>(endpoint), model, version),
            V2Route.Match(target) is { Model: null } bare ? bare with { Model = "" } : V2Route.Match(target)
        );

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
    public void Anything_else_is_no_endpoint(string target) => Assert.Equal(V2Endpoint.None, V2Route.Match(target).Endpoint);
}
