using System.Runtime.InteropServices;
using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <content>Forwards: admitted under the modes, on host tensors and on device tensors, several in flight at once, some with wrong
/// inputs.</content>
internal sealed partial class World
{
    private void ForwardOnHost(LoadedCase loaded)
    {
        if (!TryAdmit(loaded, out ModeSettings settings) || TryLease(loaded) is not { } lane)
        {
            return;
        }

        Tensor[] inputs = loaded.Module.Draw(_random);
        string key = loaded.Model.Key(inputs);
        string? wrong = _random.Next(25) == 0 ? WrongInputs.Spoil(loaded.Module, _random, ref inputs) : null;
        LaneModel model = loaded.LaneOf(lane);
        string words = $"host forward {loaded} {Text(settings)} {key}{(wrong is null ? "" : " spoiled")} on lane {IndexOf(loaded, lane)}";
        _trace.Add(words);
        Failure? expected = wrong is null
            ? model.Forward(settings, key, Dimensions(inputs[0]), loaded.Module.Cache < 0 ? "" : "lane", 0, fromHost: true)
            : null;
        var pending = new PendingForward(loaded, lane, wrong is null ? loaded.Module.Compute(inputs) : null, null, [], [], false);
        ForwardException? failure = Catch(() =>
            lane.Submit(Shuffled(inputs), [], settings, () => Interlocked.Increment(ref pending.Woken))
        );
        CheckRefusal(words, wrong, expected, failure);
        if (failure is null)
        {
            loaded.Pending.Add(pending);
        }
        else
        {
            GiveBack(loaded, lane);
        }
    }

    private void ForwardOnDevice(LoadedCase loaded)
    {
        // A module that fails while it runs tells only a caller who waits on the host.
        if (loaded.Module.Name == "pick" || !TryAdmit(loaded, out ModeSettings settings) || TryLease(loaded) is not { } lane)
        {
            return;
        }

        Caller caller = Any(_callers.Where(caller => caller.Device == loaded.Home).ToArray());
        Caller source = _random.Next(8) == 0 ? Any(_callers) : caller;
        Tensor[] inputs = loaded.Module.Draw(_random);
        LaneModel model = loaded.LaneOf(lane);
        bool direct = _random.Next(2) == 0,
            moves = source.Device != loaded.Home && loaded.Module.Cache < 0,
            elsewhere = moves && !settings.MultiDeviceSafe;
        source = moves ? source : caller;
        string words =
            $"device forward {loaded} {Text(settings)} {loaded.Model.Key(inputs)} from caller {caller.Number}{(direct ? " direct" : "")}{(moves ? $", inputs of caller {source.Number}" : "")} on lane {IndexOf(loaded, lane)}";
        _trace.Add(words);
        DeviceTensor[] given =
        [
            .. inputs.Select((input, index) => index == loaded.Module.Cache ? CacheOf(loaded, caller, input) : Upload(input, source)),
        ];
        string alias = loaded.Module.Cache < 0 ? "" : $"caller {caller.Number}";
        Failure? expected;
        if (elsewhere && model.Plans(settings, loaded.Model.Key(inputs), Dimensions(inputs[0])) is var planned)
        {
            expected = planned;
        }
        else
        {
            expected = model.Forward(settings, loaded.Model.Key(inputs), Dimensions(inputs[0]), alias, moves ? inputs.Length : 0);
        }

        var outputs = new DeviceTensor[loaded.Instance.Graph.Outputs.Length];
        ForwardException? failure = Catch(() =>
            lane.Lane.Forward(given, outputs, settings, direct ? CallerStream.Direct(caller.Stream) : CallerStream.Joined(caller.Stream))
        );
        CheckRefusal(words, elsewhere ? "lies on device" : null, expected, failure);
        if (failure is null)
        {
            Tensor[] answer = Answer(loaded, caller, inputs);
            bool kept = model.KeptOutputs > 0 && model.UsedSet && !loaded.Module.Segments[^1].IsUnowned;
            loaded.HeldByCallers += kept ? 0 : outputs.Length;
            loaded.Unreported.Add(lane);
            loaded.Pending.Add(new PendingForward(loaded, null, answer, caller, given, outputs, kept));
            if (_random.Next(2) == 0)
            {
                // Their memory may be lent again at once: whoever gets it works behind the callers' streams.
                ReturnInputs(loaded, given);
            }
        }
        else
        {
            ReturnInputs(loaded, given);
        }

        GiveBack(loaded, lane);
    }

    /// <summary>The settings of a forward at a random place; false when the modes refuse it, as they should.</summary>
    private bool TryAdmit(LoadedCase loaded, out ModeSettings settings)
    {
        int session = _random.Next(3) == 0 ? _random.Next(Sessions) : -1;
        ModeChange? call = ModeDraw.Call(_random);
        AdmittedModes admitted = _inForce.Admit(loaded.Target(session), loaded.Instance.Traits, call);
        settings = admitted.Settings;
        string? invalid = call is null ? null : ModuleRules.Invalid(call, Precedence.Call);
        invalid = call is not null && call != ModeChange.None ? invalid : null;
        (ModeSettings expected, FailureKind? refusal, string text) = invalid is null
            ? _oracle.Resolve(loaded.Home, loaded.Module.Name, session, call).On(loaded.Module)
            : (ModeSettings.Default, FailureKind.InvalidRequest, invalid);
        if (invalid is not null && invalid.StartsWith("Both", StringComparison.Ordinal))
        {
            refusal = FailureKind.ModeConflict;
        }

        Assert.True(
            refusal == admitted.Refusal?.Kind,
            $"{loaded} session {session} call {call}: {admitted.Refusal?.Kind} {admitted.Refusal?.Reason}; expected {refusal} {text}."
        );
        if (refusal is not null)
        {
            _trace.Add($"forward {loaded} refused: {text}");
            Assert.Contains(text, admitted.Refusal!.Reason, StringComparison.Ordinal);
            return false;
        }

        Assert.True(expected == settings, $"{loaded} session {session}: settings are {settings}, expected {expected}.");

        // A conflict that came to light later keeps the instance as it was; a forward runs with what the engines carry.
        return true;
    }

    private HostLane? TryLease(LoadedCase loaded)
    {
        if (loaded.Instance.TryLease() is not { } lane)
        {
            Assert.True(loaded.Instance.Lanes.Count > 0, "A loaded module has not even one lane.");
            return null;
        }

        NoteRelease(loaded, lane);
        LaneModel model = loaded.LaneOf(lane);
        Assert.Null(model.ToHold);
        if (loaded.Unreported.Remove(lane))
        {
            bool succeeded = lane.Lane.Failure.Remove() is null;
            Assert.True(succeeded, "A forward on device tensors failed while it ran.");
            lane.Lane.Completed(succeeded);
            model.Completed(succeeded);
        }

        return lane;
    }

    private static void GiveBack(LoadedCase loaded, HostLane lane)
    {
        lane.Dispose();
        NoteRelease(loaded, lane);
    }

    private static void CheckRefusal(string words, string? wrong, Failure? expected, ForwardException? failure)
    {
        (FailureKind? kind, string text) = (wrong, expected) switch
        {
            (_, Failure.NoProfile) => (FailureKind.InvalidInput, "No optimization profile matches the input shapes"),
            (_, Failure.OutsideProfile) => (FailureKind.InvalidInput, "optimization profile"),
            (not null, _) => (FailureKind.InvalidInput, wrong),
            (null, Failure.Refused) => (FailureKind.BackendFailed, "refused the work"),
            (null, _) => ((FailureKind?)null, ""),
        };
        Assert.True(kind == failure?.Kind, $"{words}: {failure?.Kind} {failure?.Message}; expected {kind} {text}.");
        Assert.Contains(text, failure?.Message ?? "", StringComparison.Ordinal);
    }

    /// <summary>What must come out, the state of a cache included, which is brought forward.</summary>
    private static Tensor[] Answer(LoadedCase loaded, Caller caller, Tensor[] inputs)
    {
        if (loaded.Module.Cache < 0)
        {
            return loaded.Module.Compute(inputs)!;
        }

        (DeviceTensor tensor, float[] values) = loaded.Caches[caller];
        Tensor[] current = [.. inputs];
        current[loaded.Module.Cache] = inputs[loaded.Module.Cache] with { Data = MemoryMarshal.AsBytes<float>(values).ToArray() };
        float x = MemoryMarshal.Cast<byte, float>(inputs[1].Data.Span)[0];
        loaded.Caches[caller] = (tensor, [.. values.Select(value => value + x)]);
        return loaded.Module.Compute(current)!;
    }

    private DeviceTensor CacheOf(LoadedCase loaded, Caller caller, Tensor start)
    {
        if (!loaded.Caches.TryGetValue(caller, out (DeviceTensor Tensor, float[] Values) cache))
        {
            cache = (Upload(start, caller), MemoryMarshal.Cast<byte, float>(start.Data.Span).ToArray());
            loaded.Caches.Add(caller, cache);
        }

        return cache.Tensor;
    }

    private Tensor[] Shuffled(Tensor[] inputs)
    {
        Tensor[] shuffled = [.. inputs];
        _random.Shuffle(shuffled);
        return shuffled;
    }

    private static long[] Dimensions(Tensor tensor) => [.. Enumerable.Range(0, tensor.Shape.Rank).Select(axis => tensor.Shape[axis])];

    private static int IndexOf(LoadedCase loaded, HostLane lane) => loaded.Instance.Lanes.ToList().IndexOf(lane);

    private static string Text(ModeSettings settings) =>
        ModeDraw
            .Text(ModeField.ChangeTo(settings))
            .Replace("multi-device-safe = off, ", "", StringComparison.Ordinal)
            .Replace(
                ", kernel-specialization = lazy, graph-strategy = disabled, runtime-cache = runtime.cache, profiling = off",
                "",
                StringComparison.Ordinal
            );
}
