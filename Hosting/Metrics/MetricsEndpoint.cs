using Prometheus;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Metrics;

/// <summary>Answers <c>/metrics</c> in Prometheus text; any other path is 200 and empty, as on Triton's metrics port.</summary>
internal sealed class MetricsEndpoint
{
    private const string Path = "/metrics";
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly CollectorRegistry _registry = Prometheus.Metrics.NewCustomRegistry();

    public MetricsEndpoint(NodeEdge edge)
    {
        NodeMetrics metrics = new(Prometheus.Metrics.WithCustomRegistry(_registry), edge);
        _registry.AddBeforeCollectCallback(metrics.Refresh);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        if (context.Request.Path != Path)
        {
            await Answer.EmptyAsync(context, StatusCodes.Status200OK, Answer.Text);
            return;
        }

        using MemoryStream text = new();
        await _registry.CollectAndExportAsTextAsync(text, context.RequestAborted);
        await Answer.BytesAsync(context, StatusCodes.Status200OK, ContentType, text.GetBuffer().AsMemory(0, (int)text.Length));
    }
}
