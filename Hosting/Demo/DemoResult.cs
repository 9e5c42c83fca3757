using System.Text.Json.Serialization;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Demo;

/// <summary>What <c>troupe demo --json</c> prints on its last line.</summary>
/// <param name="Mismatches">Answers that differ in any bit from a direct ONNX Runtime call.</param>
internal sealed record DemoResult(
    int Total,
    int Correct,
    int Mismatches,
    DemoDevice[] Devices,
    [property: JsonPropertyName("p50_us")] double P50Microseconds,
    [property: JsonPropertyName("p99_us")] double P99Microseconds,
    [property: JsonPropertyName("forwards_per_s")] double ForwardsPerSecond
);

/// <summary>How many of the pictures one device took.</summary>
internal sealed record DemoDevice(string Id, int Forwards);

/// <summary>Writes the demos' results; generated, so that no reflection is needed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonDialect.Naming,
    DefaultIgnoreCondition = JsonDialect.Nulls,
    UnmappedMemberHandling = JsonDialect.Unknown
)]
[JsonSerializable(typeof(DemoResult))]
[JsonSerializable(typeof(FacesResult))]
internal sealed partial class DemoJson : JsonSerializerContext;
