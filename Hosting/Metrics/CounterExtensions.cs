using Prometheus;

namespace Troupe.Hosting.Metrics;

/// <summary>Counters that follow a value counted elsewhere.</summary>
internal static class CounterExtensions
{
    extension(Counter counter)
    {
        /// <summary>Brings the counter up to a value; one that fell, because the model was loaded anew, starts over.</summary>
        public void Raise(double value, params string[] labels)
        {
            if (counter.WithLabels(labels).Value > value)
            {
                counter.RemoveLabelled(labels);
            }

            counter.WithLabels(labels).IncTo(value);
        }
    }
}
