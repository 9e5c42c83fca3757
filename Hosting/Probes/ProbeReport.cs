using System.Text.Json;
using System.Text.Json.Serialization;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;

namespace Troupe.Hosting.Probes;

/// <summary>What a process that tried a model says of it, on its one line of standard output: the files it read, or why the model is
/// refused.</summary>
/// <param name="Files">By absolute path, the SHA-256 of what was read; null where the model is refused.</param>
internal sealed record ProbeReport(IReadOnlyDictionary<string, string>? Files, FailureKind? Kind, string? Detail)
{
    /// <summary>The command by which <c>troupe</c> tries a model; not shown in its help.</summary>
    public const string Command = "try-model";

    /// <summary>Most characters that are read of a report.</summary>
    public const int MaxLength = 16 << 20;

    public static ProbeReport Tried(IReadOnlyDictionary<string, string> files) => new(files, null, null);

    public static ProbeReport Refused(FailureKind kind, string detail) => new(null, kind, detail);

    public string ToLine() => JsonSerializer.Serialize(this, ProbeJson.Default.ProbeReport);

    /// <summary>Null where the text is no report.</summary>
    public static ProbeReport? Parse(string text)
    {
        try
        {
            ProbeReport? report = JsonSerializer.Deserialize(text, ProbeJson.Default.ProbeReport);
            return report is { Files: not null } or { Kind: not null, Detail: not null } ? report : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>Reads and writes reports; generated, so that no reflection is needed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonDialect.Naming,
    DefaultIgnoreCondition = JsonDialect.Nulls,
    UnmappedMemberHandling = JsonDialect.Unknown
)]
[JsonSerializable(typeof(ProbeReport))]
internal sealed partial class ProbeJson : JsonSerializerContext;
