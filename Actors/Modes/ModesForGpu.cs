using System.Collections.Concurrent;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>The modes in force as one GPU asks for them: folded once per instance and session, so that a forward finds its settings
/// ready.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never. A forward without a change of its own allocates nothing once its instance was asked
/// for.</remarks>
/// <param name="candidate">The entry a change would add; <see cref="Objections"/> are then only those it brings about.</param>
internal sealed class ModesForGpu(ModesInForce modes, ModeStamp? candidate = null) : IEffectiveModes
{
    private readonly ConcurrentDictionary<(ModelVersion Model, SessionId? Session), CapturedModes> _bySession = new();
    private volatile Known? _known;

    /// <summary>Instances asked for so far: a list that only grows at its head, because there are few and their version is found by
    /// reference.</summary>
    private sealed record Known(ModelVersion Model, ModuleTraits Traits, CapturedModes Modes, Known? Next);

    public ModesInForce InForce => modes;

    public CapturedModes For(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session, ModeChange? call)
    {
        if (call is not null)
        {
            return Captured(modes.Admit(ModeTarget.Of(gpu, model, session), traits, call));
        }

        if (session is { } named && modes.Sessions.Contains(named))
        {
            return _bySession.TryGetValue((model, named), out CapturedModes captured)
                ? captured
                : _bySession.GetOrAdd((model, named), Captured(modes.Admit(ModeTarget.Of(gpu, model, named), traits)));
        }

        for (Known? known = _known; known is not null; known = known.Next)
        {
            if (ReferenceEquals(known.Model, model) && ReferenceEquals(known.Traits, traits))
            {
                return known.Modes;
            }
        }

        CapturedModes found = Captured(modes.Admit(ModeTarget.Of(gpu, model), traits));
        _known = new Known(model, traits, found, _known);
        return found;
    }

    public ModeSettings Instance(GpuId gpu, ModelVersion model, ModuleTraits traits) =>
        modes.Admit(ModeTarget.Of(gpu, model), traits).Settings;

    public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits) => modes.Held(gpu, model, traits);

    /// <summary>A change that is for no session in particular is also weighed against what the open sessions have set.</summary>
    public IReadOnlyList<ModeRefusal> Objections(GpuId gpu, ModelVersion model, ModuleTraits traits, SessionId? session)
    {
        IReadOnlyList<ModeRefusal> objections = modes.Objections(ModeTarget.Of(gpu, model, session), traits, candidate);
        return session is not null || candidate is null || modes.Sessions.IsEmpty
            ? objections
            :
            [
                .. objections
                    .Concat(modes.Sessions.SelectMany(open => modes.Objections(ModeTarget.Of(gpu, model, open), traits, candidate)))
                    .Distinct(),
            ];
    }

    private static CapturedModes Captured(AdmittedModes admitted) =>
        admitted.Refusal is { } refusal
            ? new CapturedModes(admitted.Settings, admitted.Epoch, refusal.Reason, refusal.Kind)
            : new CapturedModes(admitted.Settings, admitted.Epoch);
}
