using Prometheus;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of models whose configurations tag them with the same names: Triton's names for what it has too.</summary>
internal sealed class ModelSeries
{
    private static readonly FailureReason[] Reasons = Enum.GetValues<FailureReason>();

    private readonly (Counter Counter, Func<ModelLedger, double> Value)[] _counters;
    private readonly Counter _failure;
    private readonly Gauge _pending;

    /// <param name="tags">Names of labels beside the model's name and version.</param>
    public ModelSeries(IMetricFactory factory, string[] tags)
    {
        string[] labels = ["model", "version", .. tags];
        _counters =
        [
            (
                Of("nv_inference_request_success", "Number of successful inference requests, all batch sizes"),
                ledger => ledger.Read().Success.Count
            ),
            (
                Of("nv_inference_count", "Number of inferences performed (does not include cached requests)"),
                ledger => ledger.Read().Inferences
            ),
            (
                Of("nv_inference_exec_count", "Number of model executions performed (does not include cached requests)"),
                ledger => ledger.Read().Executions
            ),
            (
                Of("nv_inference_request_duration_us", "Cumulative inference request duration in microseconds (includes cached requests)"),
                ledger => Microseconds(ledger.Read().Success)
            ),
            (
                Of("nv_inference_queue_duration_us", "Cumulative inference queuing duration in microseconds (includes cached requests)"),
                ledger => Microseconds(ledger.Read().Queue)
            ),
            (
                Of(
                    "nv_inference_compute_input_duration_us",
                    "Cumulative compute input duration in microseconds (does not include cached requests)"
                ),
                ledger => Microseconds(ledger.Read().ComputeInput)
            ),
            (
                Of(
                    "nv_inference_compute_infer_duration_us",
                    "Cumulative compute inference duration in microseconds (does not include cached requests)"
                ),
                ledger => Microseconds(ledger.Read().ComputeInfer)
            ),
            (
                Of(
                    "nv_inference_compute_output_duration_us",
                    "Cumulative inference compute output duration in microseconds (does not include cached requests)"
                ),
                ledger => Microseconds(ledger.Read().ComputeOutput)
            ),
            (
                Of("troupe_redispatches_total", "Times a forward was sent again after a device or node failed it"),
                ledger => ledger.Read().Redispatches
            ),
        ];
        _failure = factory.CreateCounter(
            "nv_inference_request_failure",
            "Number of failed inference requests, all batch sizes",
            [.. labels, "reason"]
        );
        _pending = factory.CreateGauge(
            "nv_inference_pending_request_count",
            "Instantaneous number of pending requests awaiting execution per-model.",
            labels
        );

        Counter Of(string name, string help) => factory.CreateCounter(name, help, labels);
    }

    /// <param name="labels">Name, version and the tags' values.</param>
    public void Raise(ModelLedger ledger, string[] labels)
    {
        foreach ((Counter counter, Func<ModelLedger, double> value) in _counters)
        {
            counter.Raise(value(ledger), labels);
        }

        foreach (FailureReason reason in Reasons)
        {
            _failure.Raise(ledger.Failures(reason), [.. labels, NameOf(reason)]);
        }

        _pending.WithLabels(labels).Set(ledger.Pending);
    }

    public void Remove(string[] labels)
    {
        Array.ForEach(_counters, series => series.Counter.RemoveLabelled(labels));
        Array.ForEach(Reasons, reason => _failure.RemoveLabelled([.. labels, NameOf(reason)]));
        _pending.RemoveLabelled(labels);
    }

    private static string NameOf(FailureReason reason) => reason.ToString().ToUpperInvariant();

    private static double Microseconds(DurationCount duration) => duration.Nanoseconds / 1000;
}
