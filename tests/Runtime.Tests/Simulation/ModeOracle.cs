using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>What is in force, told naively: a list of what was set and entered, searched from the strongest place down for every setting,
/// by the rules as they are written.</summary>
internal sealed class ModeOracle
{
    private readonly List<Asked> _asked = [];

    /// <summary>Something set or entered.</summary>
    public sealed record Asked(ModeStamp Stamp, Place Place, ModeChange Change, long Ends);

    public IReadOnlyList<Asked> All => _asked;

    public HashSet<int> OpenSessions { get; } = [];

    public long Now { get; set; }

    public void Add(Asked asked) => _asked.Add(asked);

    public void Remove(ModeStamp stamp) => _asked.RemoveAll(asked => asked.Stamp == stamp);

    public bool IsHeld(ModeStamp stamp) => _asked.Exists(asked => asked.Stamp == stamp && asked.Ends > Now);

    /// <summary>The settings at a place, with where each comes from.</summary>
    public Resolved Resolve(int gpu, string model, int session, ModeChange? call = null, Asked? candidate = null)
    {
        Asked[] holding =
        [
            .. _asked
                .Where(asked =>
                    asked.Ends > Now
                    && asked.Place.Holds(gpu, model, session)
                    && (asked.Place.Session < 0 || OpenSessions.Contains(asked.Place.Session))
                )
                .Concat(candidate is null ? [] : [candidate])
                .OrderByDescending(asked => asked.Place.Kind)
                .ThenByDescending(asked => asked.Stamp),
        ];
        var from = new Dictionary<ModeField, (Precedence, ModeStamp?)>();
        return new Resolved(
            new ModeSettings
            {
                CudaGraphs = Strongest(ModeField.CudaGraphs, change => change.CudaGraphs) ?? CudaGraphsMode.Off,
                PreAllocatedOutputs = Strongest(ModeField.PreAllocatedOutputs, change => change.PreAllocatedOutputs) ?? false,
                OutputAllocator = Strongest(ModeField.OutputAllocator, change => change.OutputAllocator) ?? false,
                MultiDeviceSafe = Strongest(ModeField.MultiDeviceSafe, change => change.MultiDeviceSafe) ?? false,
                Profile = Strongest(ModeField.Profile, change => change.Profile) ?? ProfileChoice.Pinned(0),
                WeightBudget = Strongest(ModeField.WeightBudget, change => change.WeightBudget) ?? WeightBudget.Automatic,
                Workspace = Strongest(ModeField.Workspace, change => change.Workspace) ?? WorkspaceStrategy.Static,
                RuntimeSettings = new RuntimeSettings(
                    GraphStrategy: Strongest(ModeField.GraphStrategy, change => change.RuntimeSettings?.GraphStrategy)
                        ?? EngineGraphStrategy.Disabled
                ),
            },
            from
        );

        T? Strongest<T>(ModeField setting, Func<ModeChange, T?> pick)
            where T : struct
        {
            if (call is not null && pick(call) is { } called)
            {
                from[setting] = (Precedence.Call, null);
                return called;
            }

            foreach (Asked asked in holding)
            {
                if (pick(asked.Change) is { } value)
                {
                    from[setting] = (asked.Place.Kind, asked.Stamp);
                    return value;
                }
            }

            return null;
        }
    }

    /// <summary>Settings with their sources.</summary>
    public sealed record Resolved(ModeSettings Settings, IReadOnlyDictionary<ModeField, (Precedence Kind, ModeStamp? Stamp)> From)
    {
        /// <summary>What a module makes of it: wide wishes it cannot fulfil are dropped; narrow ones and contradictions refuse.</summary>
        public (ModeSettings Settings, FailureKind? Refusal, string Text) On(ModuleCase module)
        {
            ModeSettings settings = Settings;
            (FailureKind Kind, string Text)? refusal = null;
            foreach ((ModeField setting, FailureKind kind, string text) in ModuleRules.CannotDo(Settings, module))
            {
                Precedence kindOfPlace = From[setting].Kind;
                if (kindOfPlace >= Precedence.Model)
                {
                    refusal ??= (kindOfPlace == Precedence.Call ? kind : FailureKind.ModeConflict, text);
                }
                else
                {
                    settings = ModuleRules.Without(settings, setting);
                }
            }

            if (ModuleRules.Contradiction(settings, module) is { } contradiction)
            {
                refusal = (FailureKind.ModeConflict, contradiction.Text);
            }

            return (settings, refusal?.Kind, refusal?.Text ?? "");
        }

        /// <summary>Whether a candidate is to be refused for an instance's sake, and why.</summary>
        public string? Refuses(ModuleCase module, Asked candidate)
        {
            ModeSettings settings = Settings;
            string? reason = null;
            foreach ((ModeField setting, _, string text) in ModuleRules.CannotDo(Settings, module))
            {
                if (From[setting].Stamp == candidate.Stamp && candidate.Place.Kind >= Precedence.Model)
                {
                    reason ??= text;
                }

                settings = From[setting].Kind >= Precedence.Model ? settings : ModuleRules.Without(settings, setting);
            }

            return
                ModuleRules.Contradiction(settings, module) is { } contradiction
                && contradiction.Between.Any(setting =>
                    From.TryGetValue(setting, out (Precedence Kind, ModeStamp? Stamp) from) && from.Stamp == candidate.Stamp
                )
                ? contradiction.Text
                : reason;
        }
    }
}
