using System.Collections.Frozen;
using Troupe.Messages.Formatters;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;

namespace Troupe.Messages.Wire;

/// <summary>Every message that travels between nodes, one line each: manifest, type, what makes it valid.</summary>
/// <remarks>
/// To add a message, add a line and its golden bytes (the tests ask for them). A manifest has 2 to 4 letters and is never renamed or used
/// again; a field gets a new key,
/// a default that means what its absence meant, and <see cref="AddedLaterAttribute"/>, so that bytes without it stay as they are. The side
/// that reads ships one release before the side that writes.
/// </remarks>
internal static class WireTable
{
    public static readonly WireType[] All =
    [
        WireType.Of<Forward>("fwd", ForwardingChecks.Forward),
        WireType.Of<ForwardReply>("frp", ForwardingChecks.Reply),
        WireType.Of<CancelForward>("cxl", static (_, _) => { }),
        WireType.Of<RouteForward>("rtf", ForwardingChecks.Route),
        WireType.Of<ForwardOutcome>("fout", ForwardingChecks.Outcome),
        WireType.Of<AbandonForward>("abn", static (check, abandon) => check.AtLeastOne(abandon.Attempt, "the attempt")),
        WireType.Of<GuiltyForwards>("glty", ForwardingChecks.Guilty),
        WireType.Of<LoadModel>("ldm", ModelChecks.Load),
        WireType.Of<UnloadModel>("ulm", ModelChecks.Unload),
        WireType.Of<ModelReply>("mdrp", ModelChecks.Reply),
        WireType.Of<AskModels>("mdak", ModelChecks.Ask),
        WireType.Of<ModelsAnswered>("mdan", ModelChecks.Answered),
        WireType.Of<AskConfiguration>("cfak", ModelChecks.AskConfiguration),
        WireType.Of<ConfigurationPart>("cfpt", ModelChecks.Part),
        WireType.Of<SetMode>("mset", ModeChecks.Set),
        WireType.Of<UnsetMode>("muns", ModeChecks.Unset),
        WireType.Of<EnterMode>("ment", ModeChecks.Entered),
        WireType.Of<RenewMode>("mren", static (check, renew) => check.Duration(renew.Lease, "the lease")),
        WireType.Of<ExitMode>("mext", static (_, _) => { }),
        WireType.Of<GetModes>("mget", static (check, get) => check.Scope(get.Scope)),
        WireType.Of<ExplainModes>("mexp", static (check, explain) => check.Scope(explain.Scope)),
        WireType.Of<GetAudit>("maud", static (check, get) => check.Scope(get.Scope)),
        WireType.Of<OpenSession>("sopn", ModeChecks.Open),
        WireType.Of<RenewSession>("sren", static (check, renew) => check.Duration(renew.Lease, "the lease")),
        WireType.Of<CloseSession>("scls", static (_, _) => { }),
        WireType.Of<ModeReply>("mrep", ModeChecks.Reply),
        WireType.Of<PrepareModeChange>("mpre", ModeDirectoryChecks.Prepare),
        WireType.Of<ModeChangePrepared>("mprd", ModeDirectoryChecks.Prepared),
        WireType.Of<CommitModeChange>("mcom", ModeDirectoryChecks.Commit),
        WireType.Of<ModeChangeCommitted>("mcmd", ModeDirectoryChecks.Committed),
        WireType.Of<CompareModes>("mcmp", static (check, compare) => check.Exchange(compare.Round, compare.From, compare.Time)),
        WireType.Of<ModePage>("mpag", ModeDirectoryChecks.Page),
        WireType.Of<NodeSnapshot>("nsn", NodeChecks.Snapshot),
        WireType.Of<ResidencyPage>("rspg", NodeChecks.Page),
        WireType.Of<AskResidency>("rsak", static (check, ask) => check.Node(ask.From)),
    ];

    public static readonly FrozenDictionary<string, WireType> ByManifest = All.ToFrozenDictionary(
        entry => entry.Manifest,
        StringComparer.Ordinal
    );

    public static readonly FrozenDictionary<Type, WireType> ByType = All.SelectMany(
            entry => entry.Types,
            (entry, type) => KeyValuePair.Create(type, entry)
        )
        .ToFrozenDictionary();
}
