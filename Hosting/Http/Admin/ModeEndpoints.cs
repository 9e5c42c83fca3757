using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Http.Admin;

/// <summary>The mode conversation over HTTP, under <c>/v2/troupe/modes</c> and <c>/v2/troupe/sessions</c>. Modes entered here have no
/// owner: their lease alone ends them.</summary>
internal static class ModeEndpoints
{
    private static readonly TimeSpan StandardLease = TimeSpan.FromSeconds(30);

    private static readonly string[] Selectors = ["node", "gpu", "model", "session"];

    /// <summary>A router counts for what it forwards, wherever that runs.</summary>
    private static readonly string[] AuditSelectors = ["model", "session"];

    public static async Task ListAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new GetModes(QueryScope(context, Selectors)));

    public static async Task ExplainAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new ExplainModes(QueryScope(context, Selectors)));

    public static async Task AuditAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new GetAudit(QueryScope(context, AuditSelectors)));

    public static async Task SetAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ModeSettingDocument wanted = await JsonBody.ReadAsync(
            context,
            edge.Spec.MaxRequestBytes,
            AdminJson.Default.ModeSettingDocument,
            new ModeSettingDocument([])
        );
        await AskAsync(context, edge, new SetMode(Scope(wanted.Scope), Change(wanted.Modes)));
    }

    public static async Task UnsetAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(
            context,
            edge,
            new UnsetMode(
                QueryScope(context, Selectors, "settings"),
                (QueryValue(context, "settings") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            )
        );

    public static async Task EnterAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ModeChangeDocument wanted = await JsonBody.ReadAsync(
            context,
            edge.Spec.MaxRequestBytes,
            AdminJson.Default.ModeChangeDocument,
            new ModeChangeDocument([])
        );
        await AskAsync(context, edge, new EnterMode(Scope(wanted.Scope), Change(wanted.Modes), Lease(wanted.Lease)));
    }

    public static async Task RenewAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new RenewMode(new ModeToken(Id(route.Name, "token")), await LeaseAsync(context, edge)));

    public static async Task ExitAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new ExitMode(new ModeToken(Id(route.Name, "token"))));

    public static async Task OpenSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new OpenSession(await LeaseAsync(context, edge)));

    public static async Task RenewSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new RenewSession(new SessionId(Id(route.Name, "session")), await LeaseAsync(context, edge)));

    public static async Task CloseSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new CloseSession(new SessionId(Id(route.Name, "session"))));

    private static async Task AskAsync(HttpContext context, NodeEdge edge, ModeRequest request)
    {
        switch (await edge.Node.ModesAsync(request, context.RequestAborted))
        {
            case ModeReply.Applied applied:
                await Answer.DocumentAsync(
                    context,
                    new ModeChangedDocument(applied.Epoch, null, Gpus(applied.AppliedBy), Missed(applied.NotReached)),
                    AdminJson.Default.ModeChangedDocument
                );
                break;
            case ModeReply.Entered entered:
                await Answer.DocumentAsync(
                    context,
                    new ModeChangedDocument(entered.Epoch, entered.Token.ToString(), Gpus(entered.AppliedBy), Missed(entered.NotReached)),
                    AdminJson.Default.ModeChangedDocument
                );
                break;
            case ModeReply.Exited exited:
                await Answer.DocumentAsync(
                    context,
                    new ModeChangedDocument(exited.Epoch, exited.Token.ToString(), [], Missed(exited.NotReached)),
                    AdminJson.Default.ModeChangedDocument
                );
                break;
            case ModeReply.Renewed renewed:
                await Answer.DocumentAsync(
                    context,
                    new LeaseGrantedDocument(Token: renewed.Token.ToString(), LeaseSeconds: renewed.Lease.TotalSeconds),
                    AdminJson.Default.LeaseGrantedDocument
                );
                break;
            case ModeReply.SessionOpened opened:
                await Answer.DocumentAsync(
                    context,
                    new LeaseGrantedDocument(
                        Session: opened.Session.ToString(),
                        LeaseSeconds: opened.Lease.TotalSeconds,
                        Epoch: opened.Epoch
                    ),
                    AdminJson.Default.LeaseGrantedDocument
                );
                break;
            case ModeReply.SessionRenewed renewed:
                await Answer.DocumentAsync(
                    context,
                    new LeaseGrantedDocument(Session: renewed.Session.ToString(), LeaseSeconds: renewed.Lease.TotalSeconds),
                    AdminJson.Default.LeaseGrantedDocument
                );
                break;
            case ModeReply.SessionClosed closed:
                await Answer.DocumentAsync(
                    context,
                    new LeaseGrantedDocument(Session: closed.Session.ToString(), Epoch: closed.Epoch),
                    AdminJson.Default.LeaseGrantedDocument
                );
                break;
            case ModeReply.Listing listing:
                await Answer.DocumentAsync(
                    context,
                    new ModesDocument(listing.Epoch, [.. listing.Entries.Select(Entry)]),
                    AdminJson.Default.ModesDocument
                );
                break;
            case ModeReply.Explanation explanation:
                ModeLineDocument[] lines =
                [
                    .. explanation.Lines.Select(line => new ModeLineDocument(
                        line.Setting,
                        line.Value,
                        line.Source,
                        line.Epoch,
                        line.Conflict
                    )),
                ];
                await Answer.DocumentAsync(
                    context,
                    new ModeExplanationDocument(explanation.Epoch, lines, Missed(explanation.Conflicts)),
                    AdminJson.Default.ModeExplanationDocument
                );
                break;
            case ModeReply.Audited audited:
                await Answer.DocumentAsync(
                    context,
                    new AuditDocument(edge.Node.Id.ToString(), [.. audited.Rows.Select(Row)]),
                    AdminJson.Default.AuditDocument
                );
                break;
            case ModeReply.Refused refused:
                string by =
                    refused.By.Length == 0
                        ? ""
                        : " ("
                            + string.Join(
                                "; ",
                                refused.By.Select(obstacle => $"{obstacle.Gpu?.ToString() ?? obstacle.Node.ToString()}: {obstacle.Reason}")
                            )
                            + ")";
                await Answer.FailureAsync(context, refused.Kind, Answer.Json, refused.Detail + by);
                break;
            case var other:
                throw new UnreachableException(other.GetType().Name);
        }
    }

    private static ModeEntryDocument Entry(ModeEntrySnapshot entry) =>
        new(
            entry.IsSession ? "session"
                : entry.Token is null ? "baseline"
                : "entered",
            Written(entry.Scope),
            ModeScopes.Text(entry.Scope),
            new Dictionary<string, string>(ModeText.Write(entry.Change)),
            entry.Epoch,
            entry.Token?.ToString(),
            entry.LeaseLeft?.TotalSeconds,
            entry.Coordinator.ToString()
        );

    private static AuditRowDocument Row(AuditRow row) =>
        new(
            row.Scope is null ? null : Written(row.Scope),
            row.Scope is null ? "call" : ModeScopes.Text(row.Scope),
            row.Tally.Accepted,
            row.Tally.Succeeded,
            row.Tally.Failed.ToDictionary(failed => ModeSpelling.Of(failed.Kind.ToString()), failed => failed.Count),
            row.Tally.Redispatched,
            row.Tally.Executed,
            row.Tally.Late
        );

    private static ScopeDocument Written(ModeScope scope) =>
        new(scope.Node?.ToString(), scope.Gpu?.ToString(), scope.Model?.ToString(), scope.Session?.ToString());

    private static string[] Gpus(GpuId[] gpus) => [.. gpus.Select(gpu => gpu.ToString())];

    private static MissedDocument[] Missed(ModeObstacle[] obstacles) =>
        [.. obstacles.Select(obstacle => new MissedDocument(obstacle.Node.ToString(), obstacle.Gpu?.ToString(), obstacle.Reason))];

    /// <param name="selectors">What the scope may be given by.</param>
    /// <param name="besides">What else may stand in the query.</param>
    private static ModeScope QueryScope(HttpContext context, string[] selectors, string? besides = null)
    {
        string? Of(string name) => QueryValue(context, name, "the scope ");

        return context.Request.Query.Keys.FirstOrDefault(key => key != besides && !selectors.Contains(key)) is { } unknown
            ? throw Bad($"unknown scope '{unknown}'; a scope is given by {string.Join(", ", selectors[..^1])} and {selectors[^1]}")
            : Scope(new ScopeDocument(Of("node"), Of("gpu"), Of("model"), Of("session")));
    }

    private static string? QueryValue(HttpContext context, string name, string kind = "") =>
        !context.Request.Query.TryGetValue(name, out StringValues value) ? null
        : value.Count > 1 ? throw Bad($"{kind}'{name}' is given twice")
        : value[0];

    private static ModeScope Scope(ScopeDocument? written)
    {
        if (written is null)
        {
            return ModeScope.Cluster;
        }

        GpuId? gpu = null;
        if (written.Gpu is { } device)
        {
            gpu = GpuId.TryParse(device, out GpuId parsed)
                ? parsed
                : throw Bad($"gpu '{device}': a GPU is written host:port/ORDINAL; 'troupe devices' lists them");
        }

        return new ModeScope(
            written.Node is { } node ? new NodeId(node) : null,
            gpu,
            written.Model is { } model ? Model(model) : null,
            written.Session is { } session ? new SessionId(Id(session, "session")) : null
        );
    }

    private static ModelReference Model(string written)
    {
        int slash = written.LastIndexOf('/');
        return slash > 0 && int.TryParse(written.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? new ModelReference(written[..slash], number)
            : new ModelReference(written);
    }

    private static ModeChange Change(Dictionary<string, ModeValueText>? modes)
    {
        if (modes is null)
        {
            throw Bad("the body names no modes; write {\"modes\": {\"cuda-graphs\": \"auto\"}}");
        }

        ModeChange change = ModeChange.None;
        foreach ((string name, ModeValueText value) in modes)
        {
            if (!ModeText.TryAdd(ref change, name, value.Text, out string error))
            {
                throw Bad(error);
            }
        }

        return change;
    }

    private static TimeSpan Lease(string? written) =>
        written is null ? StandardLease
        : Quantities.TryParseTime(written, out TimeSpan lease) ? lease
        : throw Bad($"lease '{written}': {Quantities.TimeForm}");

    private static Guid Id(string written, string what) =>
        Guid.TryParseExact(written, "N", out Guid id) ? id : throw Bad($"'{written}' is no {what}; it has 32 hexadecimal digits");

    private static async Task<TimeSpan> LeaseAsync(HttpContext context, NodeEdge edge) =>
        Lease((await JsonBody.ReadAsync(context, edge.Spec.MaxRequestBytes, AdminJson.Default.LeaseDocument, new LeaseDocument())).Lease);

    private static BadHttpRequestException Bad(string message) => new(message);
}
