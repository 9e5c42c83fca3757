using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>The memory that ONNX Runtime takes for what it makes while it runs: one arena for all sessions of the process, bounded by the
/// memory of the emulated devices, and given back when runs have grown it.</summary>
/// <remarks>
/// A run that needs more than the bound ends as a failure of its own. A run cannot free the region that its own outputs lie in, so memory
/// goes back by runs of a one-node session: soon after those that grew the arena, and when none came for a while.
/// <b>Owns</b> that session and a timer, for the life of the process. <b>Thread</b> any. <b>Blocks</b> for the arena's lock.
/// </remarks>
#pragma warning disable CA1001 // What it owns is owned for the life of the process.
internal sealed class OnnxArena
#pragma warning restore CA1001
{
    /// <summary>Unused bytes that may stay while runs go on.</summary>
    private const long Slack = 64L << 20;

    /// <summary>So often in a row what was taken is left to runs that take the same again, before it is seen whether they do.</summary>
    private const int Patience = 30;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);
    private static readonly Lock Registration = new();
    private static OnnxArena? _newest;

    private readonly Lock _lock = new();
    private readonly InferenceSession _session;
    private readonly OrtAllocator _allocator;
    private readonly RunOptions _shrinking = new();
    private readonly OrtValue[] _input = [OrtValue.CreateTensorValueFromMemory(new float[1], [1])];
    private readonly OrtValue[] _output = [OrtValue.CreateTensorValueFromMemory(new float[1], [1])];
    private readonly ITimer _timer;
    private volatile bool _hasRun;
    private int _isWatched;
    private long _lastTaken;
    private int _spared;

    private OnnxArena(ulong bytes, TimeProvider time)
    {
        Bound = bytes;
        using SessionOptions options = OnnxSession.Options();
        _session = new InferenceSession(Identity, options);
        using OrtMemoryInfo memory = Memory();
        _allocator = new OrtAllocator(_session, memory);
        _shrinking.AddRunConfigEntry("memory.enable_memory_arena_shrinkage", "cpu:0");
        _timer = time.CreateTimer(static arena => ((OnnxArena)arena!).Look(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Most bytes it takes from the system.</summary>
    public ulong Bound { get; }

    /// <summary>Bytes it has taken from the system, and how many of them are in use.</summary>
    public (long Taken, long InUse) Holdings => OnnxApi.Holdings(_allocator);

    /// <summary>y = x over [1], as an ONNX model (opset 13): what a run that only gives memory back computes.</summary>
    private static byte[] Identity =>
        Convert.FromHexString(
            "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a02080142040a00100d"
        );

    /// <summary>The arena that sessions made from now on take from. Devices with more memory than those before get a larger one; sessions
    /// made before keep theirs.</summary>
    /// <param name="bytes">Memory of the emulated devices together.</param>
    public static OnnxArena Of(ulong bytes)
    {
        lock (Registration)
        {
            return _newest is { } newest && newest.Bound >= bytes ? newest : Renew(bytes, TimeProvider.System);
        }
    }

    /// <summary>Another arena for the sessions to come.</summary>
    /// <param name="time">What its timer goes by.</param>
    internal static OnnxArena Renew(ulong bytes, TimeProvider time)
    {
        lock (Registration)
        {
            OnnxSession.UseQuietEnvironment();
            using OrtMemoryInfo memory = Memory();
            if (_newest is not null)
            {
                OrtEnv.Instance().UnregisterAllocator(memory);
            }

            OnnxApi.RegisterArena(OrtEnv.Instance(), memory, bytes);
            return _newest = new OnnxArena(bytes, time);
        }
    }

    /// <summary>A tensor of strings that are empty, taken from the arena.</summary>
    /// <exception cref="OnnxRuntimeException">The arena is at its bound.</exception>
    public OrtValue EmptyStrings(in TensorShape shape) => OrtValue.CreateTensorWithEmptyStrings(_allocator, shape.Span.ToArray());

    /// <summary>A run has ended, and may have grown the arena. Allocates nothing.</summary>
    public void Ran()
    {
        if (!_hasRun)
        {
            _hasRun = true;
        }

        if (Volatile.Read(ref _isWatched) == 0 && Interlocked.Exchange(ref _isWatched, 1) == 0)
        {
            _timer.Change(Period, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Gives what is not in use back to the system; false where that was nothing.</summary>
    public bool TryShrink()
    {
        lock (_lock)
        {
            long before = Holdings.Taken;
            _session.Run(_shrinking, ["x"], _input, ["y"], _output);
            return Holdings.Taken < before;
        }
    }

    /// <summary>Gives much back while runs go on, and everything when none came since it looked last. What is taken again each time is left
    /// to a model in steady state, which would only have it cleared by the system anew.</summary>
    private void Look()
    {
        try
        {
            bool isIdle = !_hasRun;
            _hasRun = false;
            (long taken, long inUse) = Holdings;
            bool isSteady = taken == _lastTaken && _spared < Patience;
            _lastTaken = taken;
            if (isIdle || (taken - inUse > Slack && !isSteady))
            {
                _spared = 0;
                TryShrink();
            }
            else if (isSteady)
            {
                _spared++;
            }

            if (isIdle)
            {
                Volatile.Write(ref _isWatched, 0);
                Interlocked.MemoryBarrier();
                if (!_hasRun || Interlocked.Exchange(ref _isWatched, 1) != 0)
                {
                    return;
                }
            }
        }
        catch (OnnxRuntimeException)
        {
            // The memory stays where it is until it is looked at again.
        }

        _timer.Change(Period, Timeout.InfiniteTimeSpan);
    }

    private static OrtMemoryInfo Memory() => new(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
}
