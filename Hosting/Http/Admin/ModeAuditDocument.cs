namespace Troupe.Hosting.Http.Admin;

/// <summary>Answer of <c>GET /v2/troupe/modes/audit</c>.</summary>
/// <param name="Node">Whose router counted: forwards that started there.</param>
internal sealed record AuditDocument(string Node, AuditRowDocument[] Scopes);

/// <summary>What one scope has counted.</summary>
/// <param name="Scope">Null: forwards that asked for it themselves.</param>
/// <param name="ScopeText">The scope in words.</param>
/// <param name="Accepted">Forwards; each has succeeded or failed once it was answered.</param>
/// <param name="Succeeded">Forwards.</param>
/// <param name="Failed">Forwards, by the kind of failure.</param>
/// <param name="Redispatched">Attempts after the first.</param>
/// <param name="Executed">Attempts that a device launched.</param>
/// <param name="Late">Launched attempts whose result came when nobody waited for them any more.</param>
internal sealed record AuditRowDocument(
    ScopeDocument? Scope,
    string ScopeText,
    long Accepted,
    long Succeeded,
    Dictionary<string, long> Failed,
    long Redispatched,
    long Executed,
    long Late
);
