using System.ComponentModel.DataAnnotations;

namespace Troupe.Hosting.Http.Admin;

/// <summary>A scope by its selectors; none is the whole cluster.</summary>
/// <param name="Node"><c>host:port</c></param>
/// <param name="Gpu"><c>host:port/ORDINAL</c></param>
/// <param name="Model">A name, or <c>NAME/VERSION</c>.</param>
/// <param name="Session">The id that opening it gave.</param>
internal sealed record ScopeDocument(string? Node = null, string? Gpu = null, string? Model = null, string? Session = null);

/// <summary>Body of <c>POST /v2/troupe/modes/set</c>.</summary>
/// <param name="Scope">Null: the cluster.</param>
/// <param name="Modes">By name, e.g. <c>{"cuda-graphs":"auto"}</c>.</param>
internal sealed record ModeSettingDocument(Dictionary<string, ModeValueText> Modes, ScopeDocument? Scope = null);

/// <summary>Body of <c>POST /v2/troupe/modes/enter</c>.</summary>
/// <param name="Scope">Null: the cluster.</param>
/// <param name="Modes">By name, e.g. <c>{"cuda-graphs":"auto"}</c>.</param>
/// <param name="Lease">Of an entered mode, e.g. <c>30s</c>, which is also the default.</param>
internal sealed record ModeChangeDocument(Dictionary<string, ModeValueText> Modes, ScopeDocument? Scope = null, string? Lease = null);

/// <summary>Query of <c>GET /v2/troupe/modes/audit</c>; nodes and devices are no scopes of what a router counts.</summary>
/// <param name="Model">A name, or <c>NAME/VERSION</c>.</param>
/// <param name="Session">The id that opening it gave.</param>
internal sealed record AuditScopeDocument(string? Model = null, string? Session = null);

/// <summary>Query of <c>DELETE /v2/troupe/modes/set</c>.</summary>
/// <param name="Settings">Names of the modes, with commas between them.</param>
/// <param name="Node"><c>host:port</c></param>
/// <param name="Gpu"><c>host:port/ORDINAL</c></param>
/// <param name="Model">A name, or <c>NAME/VERSION</c>.</param>
/// <param name="Session">The id that opening it gave.</param>
internal sealed record UnsetDocument(
    string Settings,
    string? Node = null,
    string? Gpu = null,
    string? Model = null,
    string? Session = null
);

/// <summary>Body of a renewal and of opening a session.</summary>
internal sealed record LeaseDocument(string? Lease = null);

/// <summary>Where a change does not hold, and why.</summary>
internal sealed record MissedDocument(string Node, string? Gpu, string Reason);

/// <summary>Answer to a change: acknowledged by every device named.</summary>
/// <param name="Token">Names what was entered, for renewals and the exit; null otherwise.</param>
/// <param name="Epoch">Forwards that report this epoch or a later one ran under it.</param>
internal sealed record ModeChangedDocument(long Epoch, string? Token, string[] AppliedBy, MissedDocument[] NotReached);

/// <summary>Answer to a renewal, and to opening, renewing or closing a session.</summary>
internal sealed record LeaseGrantedDocument(string? Token = null, string? Session = null, double? LeaseSeconds = null, long? Epoch = null);

/// <summary>Answer of <c>GET /v2/troupe/modes</c>.</summary>
internal sealed record ModesDocument(long Epoch, ModeEntryDocument[] Entries);

/// <summary>One baseline, entered mode or session.</summary>
internal sealed record ModeEntryDocument(
    [property: AllowedValues("baseline", "entered", "session")] string Kind,
    ScopeDocument Scope,
    string ScopeText,
    Dictionary<string, string> Modes,
    long Epoch,
    string? Token,
    double? LeaseLeftSeconds,
    string Coordinator
);

/// <summary>Answer of <c>GET /v2/troupe/modes/explain</c>.</summary>
internal sealed record ModeExplanationDocument(long Epoch, ModeLineDocument[] Settings, MissedDocument[] Conflicts);

/// <summary>One setting: its value, and the scope it comes from.</summary>
internal sealed record ModeLineDocument(string Setting, string Value, string Source, long Epoch, string? Conflict);
