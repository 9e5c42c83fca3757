using System.Globalization;
using Prometheus;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Metrics;

/// <summary>The series of every served version: they exist, at 0, as soon as it is served, and vanish when it is not.</summary>
internal sealed class ModelMetrics(IMetricFactory factory)
{
    private readonly Dictionary<string, ModelSeries> _series = new(StringComparer.Ordinal);
    private Dictionary<string, (ModelSeries Series, string[] Labels)> _shown = new(StringComparer.Ordinal);

    public void Refresh(ModelCatalogue catalogue, ModelLedgers ledgers)
    {
        var shown = new Dictionary<string, (ModelSeries Series, string[] Labels)>(StringComparer.Ordinal);
        foreach (ServedModel model in catalogue.All)
        {
            KeyValuePair<string, string>[] tags = [.. model.Configuration.MetricTags.OrderBy(tag => tag.Key, StringComparer.Ordinal)];
            ModelSeries series = SeriesOf([.. tags.Select(tag => tag.Key)]);
            string version = model.Number.ToString(CultureInfo.InvariantCulture);
            string[] labels = [model.Name, version, .. tags.Select(tag => tag.Value)];
            series.Raise(ledgers.Of(model.Snapshot.Model), labels);
            shown[string.Join('\n', [.. tags.Select(tag => tag.Key), .. labels])] = (series, labels);
        }

        foreach (string gone in _shown.Keys.Except(shown.Keys))
        {
            (ModelSeries series, string[] labels) = _shown[gone];
            series.Remove(labels);
        }

        _shown = shown;
    }

    private ModelSeries SeriesOf(string[] tags)
    {
        string key = string.Join('\n', tags);
        if (!_series.TryGetValue(key, out ModelSeries? series))
        {
            _series[key] = series = new ModelSeries(factory, tags);
        }

        return series;
    }
}
