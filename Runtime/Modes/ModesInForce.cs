using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Everything live at one epoch, as a pure function from a place to its settings.</summary>
/// <remarks>
/// Immutable. Precedence per setting: call, then scopes by <see cref="ModeScopes.Rank"/>, within one scope the newest stamp. Baselines and
/// entries compete
/// alike: a baseline set while an entry holds overrides it, as <c>set_cudagraphs_mode</c> inside a scope does, and the exit of either
/// leaves what the other implies.
/// An entry of a session holds only while the session itself is live. What was taken back of a baseline is not there: wider scopes show
/// through.
/// </remarks>
public sealed class ModesInForce
{
    private readonly ImmutableArray<ModeEntry> _entries;

    private ModesInForce(ImmutableArray<ModeEntry> entries, ImmutableArray<SessionId> sessions, long epoch)
    {
        _entries = entries;
        Sessions = sessions;
        Epoch = epoch;
    }

    /// <summary>Before any change: defaults everywhere.</summary>
    public static ModesInForce None { get; } = new([], [], 0);

    public long Epoch { get; }

    /// <summary>Nothing is set anywhere.</summary>
    public bool IsEmpty => _entries.IsEmpty;

    /// <summary>Sessions some live entry is for: forwards of any other session see what those without one see.</summary>
    public ImmutableArray<SessionId> Sessions { get; }

    /// <summary>The live baselines and entries that set something, strongest last.</summary>
    public ImmutableArray<ModeEntry> Entries => _entries;

    /// <param name="isLive">False for entries whose lease has ended by the caller's clock; tombstones are left out anyway.</param>
    public static ModesInForce Of(IEnumerable<ModeEntry> entries, Func<ModeEntry, bool> isLive, long epoch)
    {
        ModeEntry[] all = [.. entries];
        var unsets = ModeUnsets.Of(all);
        List<ModeEntry> live =
        [
            .. all.Where(entry => entry.End is null && isLive(entry))
                .Select(entry =>
                    unsets.Left(entry) is var left && ReferenceEquals(left, entry.Change) ? entry : entry with { Change = left }
                )
                .Where(entry => entry.IsSession || entry.Change != ModeChange.None),
        ];
        HashSet<SessionId> open = [.. live.Where(entry => entry.IsSession).Select(entry => entry.Scope.Session!.Value)];
        ImmutableArray<ModeEntry> setting =
        [
            .. live.Where(entry => !entry.IsSession && (entry.Scope.Session is not { } session || open.Contains(session)))
                .OrderBy(entry => ModeScopes.Rank(entry.Scope))
                .ThenBy(entry => entry.Stamp),
        ];
        return new ModesInForce(
            setting,
            [.. setting.Where(entry => entry.Scope.Session is not null).Select(entry => entry.Scope.Session!.Value).Distinct()],
            epoch
        );
    }

    public EffectiveModes Resolve(in ModeTarget target, ModeChange? call = null)
    {
        ModeSettings settings = ModeSettings.Default;
        var sources = new ModeSource[ModeField.All.Count];
        foreach (ModeEntry entry in _entries)
        {
            if (target.IsIn(entry.Scope))
            {
                settings = Apply(settings, entry.Change, new ModeSource(entry, false), sources);
            }
        }

        if (call is not null)
        {
            settings = Apply(settings, call, ModeSource.Call, sources);
        }

        return new EffectiveModes(settings, ImmutableCollectionsMarshal.AsImmutableArray(sources), Epoch);
    }

    /// <summary>The settings a forward runs with on a module of these traits, or why it cannot.</summary>
    public AdmittedModes Admit(in ModeTarget target, ModuleTraits traits, ModeChange? call = null)
    {
        if (call is not null && ModeValidation.Call(call) is { } invalid)
        {
            return new AdmittedModes(ModeSettings.Default, Epoch, invalid);
        }

        EffectiveModes effective = Resolve(target, call);
        ModeSettings settings = WithBuilt(effective, traits);
        ModeRefusal? refusal = null;
        foreach (ModeField field in ModeField.All)
        {
            if (field.Unsupported(settings, traits) is not { } unsupported)
            {
                continue;
            }

            ModeSource source = effective.Source(field);
            if (source.IsBinding)
            {
                refusal ??= source.IsCall ? unsupported : unsupported with { Kind = FailureKind.ModeConflict };
            }
            else
            {
                settings = field.Reset(settings);
            }
        }

        if (ModeConflicts.Between(settings, traits) is { } conflict)
        {
            refusal = ModeConflicts.Refusal(conflict);
        }

        return new AdmittedModes(settings, Epoch, refusal);
    }

    /// <summary>
    /// What an instance has against the modes: contradictions, and settings its back end cannot do. With a <paramref name="candidate"/>
    /// only what that one entry
    /// brings about: trouble that was there before is no reason against it.
    /// </summary>
    public IReadOnlyList<ModeRefusal> Objections(in ModeTarget target, ModuleTraits traits, ModeStamp? candidate)
    {
        EffectiveModes effective = Resolve(target);
        bool IsAsked(ModeField field) => candidate is not { } stamp || effective.Source(field).Entry?.Stamp == stamp;

        var objections = new List<ModeRefusal>();
        ModeSettings settings = effective.Settings;
        foreach (ModeField field in ModeField.All)
        {
            if (field.Unsupported(settings, traits) is { } unsupported)
            {
                // One reason for several settings is given once.
                if (IsAsked(field) && !objections.Any(known => known.Reason == unsupported.Reason))
                {
                    objections.Add(unsupported);
                }

                if (!effective.Source(field).IsBinding)
                {
                    settings = field.Reset(settings);
                }
            }
        }

        if (ModeConflicts.Between(settings, traits) is { } conflict && conflict.Concerned.Any(IsAsked))
        {
            objections.Insert(0, ModeConflicts.Refusal(conflict));
        }

        return objections;
    }

    /// <summary>Everything that a live baseline or entry, of any session, makes effective for an instance.</summary>
    public HeldModes Held(GpuId gpu, ModelVersion model, ModuleTraits traits)
    {
        HeldModes held = HeldModes.Of(Admit(ModeTarget.Of(gpu, model), traits).Settings, traits);
        foreach (SessionId session in Sessions)
        {
            held = held.Or(HeldModes.Of(Admit(ModeTarget.Of(gpu, model, session), traits).Settings, traits));
        }

        return held;
    }

    /// <summary>A module may be built to take its workspace per call; that holds where no mode says otherwise.</summary>
    public static ModeSettings WithBuilt(EffectiveModes effective, ModuleTraits traits) =>
        traits.BuiltWorkspace != effective.Settings.Workspace && effective.Source(ModeField.Workspace) == ModeSource.Default
            ? effective.Settings with
            {
                Workspace = traits.BuiltWorkspace,
            }
            : effective.Settings;

    private static ModeSettings Apply(ModeSettings settings, ModeChange change, ModeSource source, ModeSource[] sources)
    {
        foreach (ModeField field in ModeField.All)
        {
            if (field.IsSet(change))
            {
                settings = field.Apply(settings, change);
                sources[field.Index] = source;
            }
        }

        return settings;
    }
}
