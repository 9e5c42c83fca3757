namespace Troupe.Runtime.Engines;

/// <summary>Receives the time of each layer of an engine's run, in order (TensorRT: <c>IProfiler</c>).</summary>
internal interface ILayerProfiler
{
    void Report(string layer, TimeSpan duration);
}
