using Troupe.Actors.Forwards;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>The product's executor, instance and lanes over devices on a virtual clock: woken as in the product, and time passes in small
/// steps while it has nothing to do.</summary>
/// <remarks><b>Owns</b> the executor; instances are its own from the start. <b>Thread</b> the test's.</remarks>
internal sealed class VirtualExecutor : IDisposable
{
    private static readonly TimeSpan Step = TimeSpan.FromMicroseconds(5);

    private readonly ExecutorRecorder _recorder = new();
    private readonly IDeviceGroup _group;
    private readonly ExecutorCore _core;
    private readonly IModuleInstance _instance;
    private readonly TimedExecution _clock;
    private int _signals;
    private ulong _sent;

    public VirtualExecutor(Workbench bench, IModuleInstance instance)
    {
        _clock = bench.Driver.Clock;
        _instance = instance;
        _group = bench.Platform.OpenGroup(instance.Ordinals);
        _core = new ExecutorCore(
            1,
            _group,
            new ExecutorPulse(new NodeClock(TimeProvider.System), runsOnHost: true),
            () => Interlocked.Increment(ref _signals),
            _recorder.Queue
        );
        Assert.True(_core.Adopt(new AdoptInstance(1, new InstanceHandOver(instance))));
        Take();
    }

    /// <summary>Submissions that have not ended.</summary>
    public int InFlight => _core.InFlight;

    public int Waiting => _core.Waiting;

    public void Launch(Tensor input, ModeSettings? settings = null)
    {
        var forward = new Forward
        {
            Id = new RequestId(default, ++_sent),
            Model = new ModelReference("m"),
            Inputs = [input],
        };
        var dispatch = new DispatchForward(forward, _instance.Module.Model, 1, TimeSpan.FromSeconds(30), null);
        _core.Run(new Launch(1, _instance.HomeOrdinal, [new AdmittedForward(dispatch, settings ?? ModeSettings.Default, 0)]));
    }

    /// <summary>Looks when it was woken; what has ended meanwhile, in that order.</summary>
    public List<ForwardResult> Turn()
    {
        if (Interlocked.Exchange(ref _signals, 0) > 0)
        {
            _core.Poll();
        }

        return Take();
    }

    /// <summary>Lets time pass until so many forwards have ended, each once.</summary>
    public List<ForwardResult> Run(int forwards)
    {
        var ended = new List<ForwardResult>();
        ended.AddRange(Turn());
        for (int steps = 0; ended.Count < forwards && steps < 100_000; steps++)
        {
            _clock.Advance(Step);
            ended.AddRange(Turn());
        }

        Assert.Equal(forwards, ended.Count);
        return ended;
    }

    /// <summary>Lets so much time pass; what has ended meanwhile.</summary>
    public List<ForwardResult> Run(TimeSpan time)
    {
        List<ForwardResult> ended = Turn();
        for (TimeSpan until = _clock.Elapsed + time; _clock.Elapsed < until; )
        {
            _clock.Advance(Step);
            ended.AddRange(Turn());
        }

        return ended;
    }

    public void Dispose()
    {
        _core.Dispose();
        _group.Dispose();
    }

    private List<ForwardResult> Take()
    {
        List<ForwardResult> ended =
        [
            .. _recorder.Applied.Select(decision => decision.Message).OfType<LaunchEnded>().SelectMany(end => end.Results),
        ];
        _recorder.Applied.Clear();
        return ended;
    }
}
