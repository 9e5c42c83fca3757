using BenchmarkDotNet.Attributes;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Ladder;

/// <summary>What each storey adds to one forward, from the bare engine to HTTP; every rung does the same work, one call at a
/// time.</summary>
public class OverheadLadder
{
    private readonly ModuleFolder _folder = new();
    private RawRung _raw = null!;
    private LaneRung _lane = null!;
    private NodeRung _node = null!;
    private HttpRung _http = null!;

    /// <summary><c>add4</c>: nothing but overhead. <c>fmnist</c>: the classifier.</summary>
    [Params("add4", "fmnist")]
    public string Model { get; set; } = "";

    [GlobalSetup]
    public void Open()
    {
        LadderModel model = Model == "add4" ? LadderModel.Add4(_folder) : LadderModel.Classifier();
        _raw = new RawRung(model);
        _lane = new LaneRung(model);
        _node = NodeRung.Open(model);
        _http = HttpRung.Open(_node, model);
    }

    /// <summary>ONNX Runtime with an IoBinding bound once: the floor.</summary>
    [Benchmark(Baseline = true)]
    public void Raw() => _raw.Run();

    /// <summary>A lane on tensors in device memory.</summary>
    [Benchmark]
    public void Lane() => _lane.RunOnDevice();

    /// <summary>A leased lane on tensors in host memory: copy in, launch, copy out, outputs that own their bytes.</summary>
    [Benchmark]
    public void HostLane() => _lane.RunOnHost();

    /// <summary>A node in this process: router, GPU actor, executor and back, waiting for the reply.</summary>
    [Benchmark]
    public void Router() => _node.Run();

    /// <summary>HTTP on loopback, binary V2, one connection.</summary>
    [Benchmark]
    public void Http() => _http.Run();

    [GlobalCleanup]
    public void Close()
    {
        _http.Dispose();
        _node.Dispose();
        _lane.Dispose();
        _raw.Dispose();
        _folder.Dispose();
    }
}
