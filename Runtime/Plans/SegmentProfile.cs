using Troupe.Runtime.Engines;

namespace Troupe.Runtime.Plans;

/// <summary>Where the time of one segment's last forward went: binding inputs, binding outputs, the enqueue, and layer by layer on the
/// device.</summary>
/// <remarks><b>Owns</b> its lists. <b>Thread</b> phases: the lane's holder; layers: the driver's; reading: the holder, after completion.
/// <b>Blocks</b> never.</remarks>
internal sealed class SegmentProfile(string segment) : ILayerProfiler
{
    private readonly Lock _lock = new();
    private readonly List<(string Name, TimeSpan Duration)> _layers = [];

    public string Segment => segment;

    public TimeSpan Inputs { get; set; }

    public TimeSpan Outputs { get; set; }

    public TimeSpan Enqueue { get; set; }

    public void Report(string layer, TimeSpan duration)
    {
        lock (_lock)
        {
            _layers.Add((layer, duration));
        }
    }

    /// <summary>The layers reported since the last time.</summary>
    public (string Name, TimeSpan Duration)[] RemoveLayers()
    {
        lock (_lock)
        {
            (string, TimeSpan)[] taken = [.. _layers];
            _layers.Clear();
            return taken;
        }
    }
}
