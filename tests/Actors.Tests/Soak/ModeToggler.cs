using Troupe.Actors.Node;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Soak;

/// <summary>Enters modes at every scope, renews some, exits some, lets the rest expire; opens and closes sessions.</summary>
internal sealed class ModeToggler(ITroupeNode node, IReadOnlyList<SoakModel> models, Random random)
{
    private static readonly ModeChange[] Changes =
    [
        new() { CudaGraphs = CudaGraphsMode.PerSegment },
        new() { CudaGraphs = CudaGraphsMode.WholeModule },
        new() { CudaGraphs = CudaGraphsMode.Auto },
        new() { CudaGraphs = CudaGraphsMode.Off },
        new() { PreAllocatedOutputs = true },
        new() { CudaGraphs = CudaGraphsMode.Auto, PreAllocatedOutputs = true },
        new() { OutputAllocator = true },
        new() { MultiDeviceSafe = true },
        new() { Profile = ProfileChoice.Auto },
        new() { Profile = ProfileChoice.Pinned(0) },
        new() { Profile = ProfileChoice.Pinned(1) },
        new() { WeightBudget = WeightBudget.OfFraction(0.5) },
        new() { WeightBudget = WeightBudget.OfBytes(1000) },
        new() { Workspace = WorkspaceStrategy.Dynamic },
    ];

    /// <summary>Half a lease is given for acknowledging: a busy machine may rightly answer a shorter one with its deadline.</summary>
    private static readonly TimeSpan LongEnough = TimeSpan.FromSeconds(1);

    private readonly List<ModeToken> _tokens = [];
    private int _enters;
    private int _entersTooLate;
    private volatile SessionId[] _sessions = [];

    /// <summary>How often each kind of step was answered how.</summary>
    public SortedDictionary<string, int> Steps { get; } = new(StringComparer.Ordinal);

    /// <summary>Enters that were not acknowledged in time are exceptions, on a busy machine too.</summary>
    public bool MostEntersCameInTime => _entersTooLate * 10 <= _enters;

    /// <summary>A session that was open a moment ago, or none.</summary>
    public SessionId? Session(Random chance) =>
        _sessions is { Length: > 0 } sessions && chance.Next(3) == 0 ? sessions[chance.Next(sessions.Length)] : null;

    /// <summary>What a call may ask for itself; mostly nothing.</summary>
    public static ModeChange? Call(Random chance) => chance.Next(6) == 0 ? Changes[chance.Next(11)] : null;

    public async Task RunAsync(Func<bool> goesOn)
    {
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(15));
        while (goesOn() && await period.WaitForNextTickAsync(TestContext.Current.CancellationToken))
        {
            await Step();
        }
    }

    /// <summary>Exits what has not expired; every third mode is left to its lease.</summary>
    public async Task EndAsync()
    {
        for (int i = 0; i < _tokens.Count; i++)
        {
            if (i % 3 != 0)
            {
                Note("exit", await Ask(new ExitMode(_tokens[i])));
            }
        }

        foreach (SessionId session in _sessions)
        {
            Note("close", await Ask(new CloseSession(session)));
        }
    }

    private async Task Step()
    {
        switch (random.Next(10))
        {
            case < 5:
                var lease = TimeSpan.FromMilliseconds(random.Next(100, 2000));
                ModeReply entered = await Ask(new EnterMode(Scope(), Changes[random.Next(Changes.Length)], lease));
                _enters++;
                if (entered is ModeReply.Refused { Kind: FailureKind.DeadlineExceeded } && lease < LongEnough)
                {
                    _entersTooLate++;
                    Count("enter", entered);
                    break;
                }

                Note("enter", entered);
                if (entered is ModeReply.Entered { Token: var token })
                {
                    _tokens.Add(token);
                }

                break;
            case < 7 when _tokens.Count > 0:
                Note("renew", await Ask(new RenewMode(_tokens[Recent()], TimeSpan.FromMilliseconds(random.Next(100, 3000)))));
                break;
            case < 9 when _tokens.Count > 0:
                int chosen = Recent();
                Note("exit", await Ask(new ExitMode(_tokens[chosen])));
                _tokens.RemoveAt(chosen);
                break;
            default:
                await StepSession();
                break;
        }
    }

    private async Task StepSession()
    {
        if (_sessions.Length < 4)
        {
            ModeReply opened = await Ask(new OpenSession(TimeSpan.FromMilliseconds(random.Next(500, 5000))));
            Note("open", opened);
            _sessions = [.. _sessions, Assert.IsType<ModeReply.SessionOpened>(opened).Session];
        }
        else
        {
            Note("close", await Ask(new CloseSession(_sessions[0])));
            _sessions = _sessions[1..];
        }
    }

    private ModeScope Scope()
    {
        var gpu = new GpuId(node.Id, random.Next(4));
        var model = new ModelReference(models[random.Next(models.Count)].Name);
        return random.Next(6) switch
        {
            0 => ModeScope.Cluster,
            1 => new ModeScope(Node: node.Id),
            2 => new ModeScope(Gpu: gpu),
            3 => new ModeScope(Model: model),
            4 => new ModeScope(Gpu: gpu, Model: model),
            _ => _sessions is { Length: > 0 } sessions
                ? new ModeScope(Session: sessions[random.Next(sessions.Length)])
                : new ModeScope(Model: model),
        };
    }

    /// <summary>One of the modes entered last, most of which have not expired yet.</summary>
    private int Recent() => random.Next(Math.Max(0, _tokens.Count - 12), _tokens.Count);

    private Task<ModeReply> Ask(ModeRequest request) => node.ModesAsync(request, TestContext.Current.CancellationToken);

    private void Count(string step, ModeReply reply)
    {
        string answer = reply is ModeReply.Refused refused ? $"{step} refused {refused.Kind}" : step;
        Steps[answer] = Steps.GetValueOrDefault(answer) + 1;
    }

    private void Note(string step, ModeReply reply)
    {
        Count(step, reply);
        if (
            reply is ModeReply.Refused
            {
                Kind: not (FailureKind.ModeConflict or FailureKind.NotSupported or FailureKind.NotFound or FailureKind.InvalidRequest)
            } broken
        )
        {
            Assert.Fail($"{step}: {broken}");
        }
    }
}
