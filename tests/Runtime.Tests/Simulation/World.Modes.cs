using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <content>Modes: set, entered, left, expired at every scope, in the product's table and in the oracle's list.</content>
internal sealed partial class World
{
    private const int Sessions = 3;

    private readonly ModeOracle _oracle = new();
    private readonly Dictionary<ModeStamp, long> _ends = [];
    private ModeTable _table = ModeTable.Empty;
    private ModesInForce _inForce = ModesInForce.None;
    private long _time;
    private long _counter;

    private void ChangeModes()
    {
        switch (_random.Next(10))
        {
            case < 2:
                Enter(isBaseline: true);
                break;
            case < 6:
                Enter(isBaseline: false);
                break;
            case < 8:
                Exit();
                break;
            case 8:
                ToggleSession();
                break;
            default:
                PassTime();
                break;
        }
    }

    private void Enter(bool isBaseline)
    {
        Place place = DrawPlace();
        ModeChange change = ModeDraw.Change(_random);
        string words = $"{(isBaseline ? "set" : "enter")} {place}: {ModeDraw.Text(change)}";
        string? invalid = ModuleRules.Invalid(change, place.Kind);
        ModeRefusal? found = ModeValidation.Change(place.Scope, change);
        if (invalid is not null || found is not null)
        {
            _trace.Add($"{words} -> invalid");
            Assert.True(found is not null, $"Accepted: {words}, which is invalid: {invalid}");
            Assert.Contains(invalid ?? "nothing is wrong with it", found.Reason, StringComparison.Ordinal);
            return;
        }

        ModeStamp stamp = Stamp();
        var asked = new ModeOracle.Asked(stamp, place, change, isBaseline ? long.MaxValue : _oracle.Now + _random.Next(1, 40));
        _ends[stamp] = asked.Ends;
        var entry = new ModeEntry(stamp, isBaseline ? null : new ModeToken(Guid.NewGuid()), place.Scope, change, Place.Node);
        ModeTable table = _table.With(entry).With(entry);
        ModesInForce candidate = InForce(table);
        string? refusal = null;
        foreach (LoadedCase loaded in _loaded.Where(loaded => place.Session >= 0 || place.Holds(loaded.Home, loaded.Module.Name, -1)))
        {
            bool refuses = candidate
                .Objections(loaded.Target(place.Session), loaded.Instance.Traits, stamp)
                .Any(objection => objection.Kind == FailureKind.ModeConflict || ModeScopes.IsModelOrNarrower(place.Scope));
            string? expected =
                place.Session >= 0 && !_oracle.OpenSessions.Contains(place.Session)
                    ? null
                    : _oracle.Resolve(loaded.Home, loaded.Module.Name, place.Session, candidate: asked).Refuses(loaded.Module, asked);
            Assert.True(
                refuses == expected is not null,
                $"{words}: {loaded} {(refuses ? "refuses" : "accepts")} it; expected: {expected ?? "accepts"}."
            );
            refusal ??= expected;
        }

        _trace.Add($"{words}{(refusal is null ? "" : " -> refused")}");
        if (refusal is null)
        {
            _oracle.Add(asked);
            _table = _random.Next(2) == 0 ? table.Without([.. table.Hidden()]) : table;
            Publish();
        }
    }

    private void Exit()
    {
        ModeEntry[] live = [.. _table.Entries.Where(entry => entry is { Token: not null, End: null })];
        if (live.Length == 0)
        {
            return;
        }

        ModeEntry left = Any(live);
        _trace.Add($"exit {ModeScopes.Text(left.Scope)} {ModeDraw.Text(left.Change)}");
        _table = _table.With(ModeEntries.Ended(left, new ModeEnd(++_time, ModeEndReason.Exited))).With(left);
        _oracle.Remove(left.Stamp);
        Publish();
    }

    private void ToggleSession()
    {
        int session = _random.Next(Sessions);
        ModeEntry? open = _table.Entries.LastOrDefault(entry =>
            entry.IsSession && entry.End is null && entry.Scope.Session == Place.SessionOf(session)
        );
        _trace.Add($"{(open is null ? "open" : "close")} session {session}");
        if (open is null)
        {
            _table = _table.With(
                new ModeEntry(Stamp(), null, new ModeScope(Session: Place.SessionOf(session)), ModeChange.None, Place.Node, IsSession: true)
            );
            _oracle.OpenSessions.Add(session);
        }
        else
        {
            _table = _table.With(ModeEntries.Ended(open, new ModeEnd(++_time, ModeEndReason.SessionClosed)));
            _oracle.OpenSessions.Remove(session);
        }

        Publish();
    }

    private void PassTime()
    {
        _oracle.Now += _random.Next(1, 15);
        _trace.Add($"time passes to {_oracle.Now}");
        Publish();
    }

    /// <summary>What every participant does when modes have changed: a barrier where an instance's settings change, and the release of what
    /// nothing holds.</summary>
    private void Publish()
    {
        _inForce = InForce(_table);
        _loaded.ForEach(Adopt);
    }

    private void Adopt(LoadedCase loaded)
    {
        ModeSettings settings = _inForce.Admit(loaded.Target(-1), loaded.Instance.Traits).Settings;
        ModeSettings expected = _oracle.Resolve(loaded.Home, loaded.Module.Name, -1).On(loaded.Module).Settings;
        Assert.True(expected == settings, $"{loaded}: settings are {settings}, expected {expected}.");
        if (loaded.Model.Differs(expected))
        {
            Finish(loaded);
            ForwardException? refused = Catch(() => loaded.Instance.Apply(settings));
            string? contradiction =
                ModuleRules.Contradiction(expected, loaded.Module)?.Text
                ?? ModuleRules.CannotDo(expected, loaded.Module).FirstOrDefault().Text;
            Assert.True(
                refused is null == contradiction is null,
                $"{loaded}: applying {expected} gave {refused?.Message ?? "no error"}; expected {contradiction ?? "none"}."
            );
            if (refused is null)
            {
                loaded.Model.Apply(expected);
            }
        }

        Assert.Equal(loaded.Model.Budgets, loaded.Instance.Engines.Select(engine => engine.StreamableWeights?.Budget ?? 0));
        Hold(loaded);
    }

    private void Hold(LoadedCase loaded)
    {
        HeldModes held = Enumerable
            .Range(0, Sessions)
            .Where(_oracle.OpenSessions.Contains)
            .Append(-1)
            .Select(session => _oracle.Resolve(loaded.Home, loaded.Module.Name, session).On(loaded.Module).Settings)
            .Aggregate(
                default(HeldModes),
                (sum, settings) =>
                    sum.Or(
                        new HeldModes(
                            ModuleRules.Graphs(settings, loaded.Module) == CudaGraphsMode.PerSegment,
                            ModuleRules.Graphs(settings, loaded.Module) == CudaGraphsMode.WholeModule,
                            settings.PreAllocatedOutputs,
                            settings.OutputAllocator
                        )
                    )
            );
        HeldModes found = _inForce.Held(
            Place.GpuOf(loaded.Home),
            new ModelVersion(loaded.Module.Name, loaded.Version.Number, default),
            loaded.Instance.Traits
        );
        Assert.Equal(held, found);
        if (held == loaded.Model.Held)
        {
            return;
        }

        loaded.Model.Held = held;
        loaded.Told = held;
        loaded.Instance.FreeAllBut(held);
        foreach (HostLane lane in loaded.Instance.Lanes)
        {
            loaded.LaneOf(lane).ToHold = held;
            NoteRelease(loaded, lane);
        }
    }

    /// <summary>The product frees when the lane is idle, which the schedule decides; that it has, can be seen.</summary>
    private static void NoteRelease(LoadedCase loaded, HostLane lane)
    {
        LaneModel model = loaded.LaneOf(lane);
        if (model.ToHold is { } held && lane.FreeWhenIdle is null)
        {
            model.ToHold = null;
            model.Release(held);
        }
    }

    private ModesInForce InForce(ModeTable table) =>
        ModesInForce.Of(table.Entries, entry => !_ends.TryGetValue(entry.Stamp, out long end) || end > _oracle.Now, ++_time);

    /// <summary>Mostly later than all before; now and then at the same time on another node, whose incarnation decides.</summary>
    private ModeStamp Stamp() => new(_random.Next(4) == 0 ? _time : ++_time, new NodeIncarnation((ulong)_random.Next(1, 4)), ++_counter);

    private Place DrawPlace() =>
        _random.Next(9) switch
        {
            0 or 1 => new Place(Precedence.Cluster),
            2 => new Place(Precedence.Node),
            3 => new Place(Precedence.Gpu, _random.Next(DeviceCount)),
            4 or 5 => new Place(Precedence.Model, Model: Any(ModuleCatalogue.All).Name),
            6 or 7 => new Place(Precedence.ModelOnGpu, _random.Next(DeviceCount), Any(_loaded).Module.Name),
            _ => new Place(Precedence.Session, Session: _random.Next(Sessions)),
        };

    private static ForwardException? Catch(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (ForwardException failure)
        {
            return failure;
        }
    }

    private static void CheckTraits(LoadedCase loaded)
    {
        ModuleTraits traits = loaded.Instance.Traits;
        ModuleCase module = loaded.Module;
        Assert.Equal(
            (
                module.HasFallback,
                module.RequiresAllocator,
                module.AliasedOutput,
                module.Profiles,
                module.Streamable,
                module.RefusesWholeCapture
            ),
            (
                traits.HasFallbackSegments,
                traits.RequiresOutputAllocator,
                traits.AliasedOutput,
                traits.ProfileCount,
                traits.StreamableWeightBytes,
                traits.WholeCaptureObstacle is not null
            )
        );
    }
}
