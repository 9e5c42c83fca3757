using System.Text.Json.Serialization;

namespace Troupe.Hosting.Demo;

/// <summary>What <c>troupe demo --json</c> prints on its last line.</summary>
/// <param name="Mismatches">Answers that differ in any bit from a direct ONNX Runtime call.</param>
internal sealed record DemoResult(
    [property: JsonPropertyName("total")] int Total,
    [property: JsonPropertyName("correct")] int Correct,
    [property: JsonPropertyName("mismatches")] int Mismatches,
    [property: JsonPropertyName("devices")] DemoDevice[] Devices,
    [property: JsonPropertyName("p50_us")] double P50Microseconds,
    [property: JsonPropertyName("p99_us")] double P99Microseconds,
    [property: JsonPropertyName("forwards_per_s")] double ForwardsPerSecond
);

/// <summary>How many of the pictures one device took.</summary>
internal sealed record DemoDevice([property: JsonPropertyName("id")] string Id, [property: JsonPropertyName("forwards")] int Forwards);

/// <summary>Writes the demos' results; generated, so that no reflection is needed.</summary>
[JsonSerializable(typeof(DemoResult))]
[JsonSerializable(typeof(FacesResult))]
internal sealed partial class DemoJson : JsonSerializerContext;
