using System.Globalization;
using System.Text.Json;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Failures;

namespace Troupe.Hosting.Http.V2;

/// <summary>What a client can read of a model: metadata, readiness, configuration, statistics.</summary>
internal static class ModelEndpoints
{
    public static async Task MetadataAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        ModelCatalogue catalogue = edge.Catalogue;
        if (!catalogue.TryFind(route.Name, route.Version, out ServedModel? model))
        {
            await UnknownAsync(context, catalogue, route);
            return;
        }

        IEnumerable<int> versions = route.Version is { } version ? [version] : catalogue.Versions(route.Name);
        await WriteMetadataAsync(context, await edge.ConfiguredAsync(model), versions);
    }

    public static Task ReadyAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        edge.Catalogue.TryFind(route.Name, route.Version, out ServedModel? model) && model.Devices > 0
            ? Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Text)
            : Answer.ErrorAsync(context, StatusCodes.Status400BadRequest, Answer.Text, "Model version not ready");

    public static async Task ConfigurationAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        ModelCatalogue catalogue = edge.Catalogue;
        await (
            catalogue.TryFind(route.Name, route.Version, out ServedModel? model)
                ? Answer.DocumentAsync(context, (await edge.ConfiguredAsync(model)).Configuration.WriteJson)
                : UnknownAsync(context, catalogue, route)
        );
    }

    /// <summary>Statistics of everything served.</summary>
    public static Task AllStatisticsAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        WriteStatisticsAsync(context, edge, edge.Catalogue.All);

    /// <summary>Statistics of one version, or of all versions of a name.</summary>
    public static Task StatisticsAsync(HttpContext context, NodeEdge edge, EdgeRoute route)
    {
        ModelCatalogue catalogue = edge.Catalogue;
        string name = route.Name;
        if (!catalogue.Versions(name).Any())
        {
            return Answer.ErrorAsync(context, StatusCodes.Status400BadRequest, Answer.Json, $"requested model '{name}' is not available");
        }

        if (route.Version is { } version)
        {
            return catalogue.TryFind(name, version, out ServedModel? one)
                ? WriteStatisticsAsync(context, edge, [one])
                : Answer.ErrorAsync(
                    context,
                    StatusCodes.Status400BadRequest,
                    Answer.Json,
                    $"requested model version is not available for model '{name}'"
                );
        }

        return WriteStatisticsAsync(context, edge, catalogue.All.Where(model => model.Name == name));
    }

    private static Task UnknownAsync(HttpContext context, ModelCatalogue catalogue, in EdgeRoute route) =>
        Answer.FailureAsync(context, FailureKind.ModelNotLoaded, Answer.Json, catalogue.UnknownText(route.Name, route.Version));

    private static Task WriteMetadataAsync(HttpContext context, ServedModel model, IEnumerable<int> versions) =>
        Answer.DocumentAsync(context, writer => model.WriteMetadata(writer, versions));

    private static Task WriteStatisticsAsync(HttpContext context, NodeEdge edge, IEnumerable<ServedModel> models) =>
        Answer.DocumentAsync(
            context,
            writer =>
            {
                writer.WriteStartObject();
                writer.WriteStartArray("model_stats"u8);
                foreach (ServedModel model in models)
                {
                    WriteStatistics(writer, model, edge.Ledgers.Of(model.Snapshot.Model));
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }
        );

    private static void WriteStatistics(Utf8JsonWriter writer, ServedModel model, ModelLedger ledger)
    {
        ModelCounts counts = ledger.Read();
        writer.WriteStartObject();
        writer.WriteString("name"u8, model.Name);
        writer.WriteString("version"u8, model.Number.ToString(CultureInfo.InvariantCulture));
        writer.WriteNumber("last_inference"u8, counts.LastInferenceMilliseconds);
        writer.WriteNumber("inference_count"u8, counts.Inferences);
        writer.WriteNumber("execution_count"u8, counts.Executions);
        writer.WriteStartObject("inference_stats"u8);
        WriteDuration(writer, "success"u8, counts.Success);
        WriteDuration(writer, "fail"u8, counts.Fail);
        WriteDuration(writer, "queue"u8, counts.Queue);
        WriteDuration(writer, "compute_input"u8, counts.ComputeInput);
        WriteDuration(writer, "compute_infer"u8, counts.ComputeInfer);
        WriteDuration(writer, "compute_output"u8, counts.ComputeOutput);
        WriteDuration(writer, "cache_hit"u8, default);
        WriteDuration(writer, "cache_miss"u8, default);
        writer.WriteEndObject();
        writer.WriteStartObject("response_stats"u8);
        writer.WriteEndObject();
        writer.WriteStartArray("batch_stats"u8);
        foreach ((long size, BatchCount batch) in ledger.Batches())
        {
            writer.WriteStartObject();
            writer.WriteNumber("batch_size"u8, size);
            WriteDuration(writer, "compute_input"u8, batch.ComputeInput);
            WriteDuration(writer, "compute_infer"u8, batch.ComputeInfer);
            WriteDuration(writer, "compute_output"u8, batch.ComputeOutput);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("memory_usage"u8);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteDuration(Utf8JsonWriter writer, ReadOnlySpan<byte> name, DurationCount duration)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("count"u8, duration.Count);
        writer.WriteNumber("ns"u8, duration.Nanoseconds);
        writer.WriteEndObject();
    }
}
