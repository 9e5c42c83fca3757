using BenchmarkDotNet.Attributes;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Execution;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Modes;

/// <summary>What each mode costs or saves against a plain forward, through a leased lane on an emulated device: tensors in host memory, one call at a time.</summary>
public class ModeLadder
{
    private readonly ModuleFolder _folder = new();
    private readonly Platform _platform = Platform.OpenEmulated(new EmulatedDevices());
    private readonly List<ModeRung> _rungs = [];
    private ModeRung _plain = null!;
    private ModeRung _perSegment = null!;
    private ModeRung _wholeModule = null!;
    private ModeRung _preAllocated = null!;
    private ModeRung _graphsAndPreAllocated = null!;
    private ModeRung _outputAllocator = null!;
    private ModeRung _dynamicWorkspace = null!;
    private ModeRung _halfBudget = null!;
    private ModeRung _safeMode = null!;
    private ModeRung _autoProfile = null!;
    private ModeRung _profiling = null!;

    /// <summary><c>tiny</c>: nothing but overhead. <c>fashion</c>: the classifier, a softmax, the choice.</summary>
    [Params("tiny", "fashion")]
    public string Module { get; set; } = "";

    [GlobalSetup]
    public void Open()
    {
        (string path, Tensor input) = Module == "tiny" ? ModeModules.Tiny(_folder) : ModeModules.Classifier(_folder);
        ModeSettings plain = ModeSettings.Default;
        _plain = Rung(plain);
        _perSegment = Rung(plain with { CudaGraphs = CudaGraphsMode.PerSegment });
        _wholeModule = Rung(plain with { CudaGraphs = CudaGraphsMode.WholeModule });
        _preAllocated = Rung(plain with { PreAllocatedOutputs = true });
        _graphsAndPreAllocated = Rung(plain with { CudaGraphs = CudaGraphsMode.WholeModule, PreAllocatedOutputs = true });
        _outputAllocator = Rung(plain with { OutputAllocator = true });
        _dynamicWorkspace = Rung(plain with { Workspace = WorkspaceStrategy.Dynamic });
        _halfBudget = Rung(plain with { WeightBudget = WeightBudget.OfFraction(0.5) });
        _safeMode = Rung(plain with { MultiDeviceSafe = true });
        _autoProfile = Rung(plain with { Profile = ProfileChoice.Auto });
        _profiling = Rung(plain with { Profiling = ProfilingFormat.Trex });

        ModeRung Rung(ModeSettings settings)
        {
            var rung = new ModeRung(_platform, path, input, settings, Path.Combine(_folder.Path, "profiles"));
            _rungs.Add(rung);
            return rung;
        }
    }

    /// <summary>No mode: the first profile pinned, static workspace, every weight resident, fresh outputs.</summary>
    [Benchmark(Baseline = true)]
    public object Plain() => _plain.Run();

    [Benchmark]
    public object GraphsPerSegment() => _perSegment.Run();

    [Benchmark]
    public object GraphsWholeModule() => _wholeModule.Run();

    [Benchmark]
    public object PreAllocated() => _preAllocated.Run();

    [Benchmark]
    public object GraphsAndPreAllocated() => _graphsAndPreAllocated.Run();

    [Benchmark]
    public object OutputAllocator() => _outputAllocator.Run();

    [Benchmark]
    public object DynamicWorkspace() => _dynamicWorkspace.Run();

    [Benchmark]
    public object HalfWeightBudget() => _halfBudget.Run();

    [Benchmark]
    public object SafeMode() => _safeMode.Run();

    [Benchmark]
    public object AutoProfile() => _autoProfile.Run();

    [Benchmark]
    public object Profiling() => _profiling.Run();

    [GlobalCleanup]
    public void Close()
    {
        _rungs.ForEach(rung => rung.Dispose());
        _platform.Dispose();
        _folder.Dispose();
    }
}
