using System.Text.Json.Serialization;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Bench;

/// <summary>One rung of <c>troupe bench</c>: throughput and the time of one call.</summary>
/// <param name="Failed">Requests that were not answered 200.</param>
/// <param name="FirstError">What one of those was answered with, or how it broke.</param>
internal sealed record LoadResult(
    string Rung,
    int Clients,
    long Calls,
    long Failed,
    [property: JsonPropertyName("calls_per_s")] double CallsPerSecond,
    [property: JsonPropertyName("p50_us")] double P50Microseconds,
    [property: JsonPropertyName("p99_us")] double P99Microseconds,
    string? FirstError = null
)
{
    /// <param name="micros">Time of each call; sorted in place.</param>
    public static LoadResult Of(string rung, double[] micros, TimeSpan elapsed, int clients = 1, long failed = 0, string? firstError = null)
    {
        Array.Sort(micros);
        double At(double share) =>
            micros.Length == 0 ? 0 : Math.Round(micros[Math.Min((int)(micros.Length * share), micros.Length - 1)], 1);
        return new LoadResult(
            rung,
            clients,
            micros.Length,
            failed,
            Math.Round(micros.Length / elapsed.TotalSeconds, 1),
            At(0.5),
            At(0.99),
            firstError
        );
    }
}

/// <summary>What <c>troupe bench --json</c> prints on its last line.</summary>
internal sealed record BenchResult(string Model, LoadResult[] Rungs);

/// <summary>Writes bench results; generated, so that no reflection is needed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonDialect.Naming,
    DefaultIgnoreCondition = JsonDialect.Nulls,
    UnmappedMemberHandling = JsonDialect.Unknown
)]
[JsonSerializable(typeof(BenchResult))]
internal sealed partial class BenchJson : JsonSerializerContext;
