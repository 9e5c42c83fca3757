using System.Diagnostics;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Http.Admin;

/// <summary>The mode conversation over HTTP, under <c>/v2/troupe/modes</c> and <c>/v2/troupe/sessions</c>. Modes entered here have no
/// owner: their lease alone ends them.</summary>
internal static class ModeEndpoints
{
    private static readonly TimeSpan StandardLease = TimeSpan.FromSeconds(30);

    public static async Task ListAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new GetModes(ScopeReader.Query(context)));

    public static async Task ExplainAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new ExplainModes(ScopeReader.Query(context)));

    public static async Task AuditAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new GetAudit(ScopeReader.Query(context, ScopeReader.OfRouters)));

    public static async Task SetAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ModeSettingDocument wanted = await JsonBody.ReadAsync(
            context,
            edge.Memory,
            AdminJson.Default.ModeSettingDocument,
            new ModeSettingDocument([])
        );
        await AskAsync(context, edge, new SetMode(ScopeReader.Of(wanted.Scope), Change(wanted.Modes)));
    }

    public static async Task UnsetAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        UnsetMode unset = new(
            ScopeReader.Query(context, besides: "settings"),
            (ScopeReader.Value(context, "settings") ?? "").Split(
                ',',
                StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
            )
        );
        if (
            ModeText.TryName(unset.Settings, out ModeChange named, out string _)
            && await edge.Node.ModesAsync(new GetModes(unset.Scope), context.RequestAborted) is ModeReply.Listing listing
            && !listing.Entries.Any(entry => IsBaseline(entry, unset.Scope, named))
        )
        {
            await Answer.FailureAsync(
                context,
                FailureKind.NotFound,
                Answer.Json,
                $"nothing is set for {ModeScopes.Text(unset.Scope)} of {string.Join(", ", unset.Settings)}; 'troupe modes list' shows what is"
            );
            return;
        }

        await AskAsync(context, edge, unset);
    }

    private static bool IsBaseline(ModeEntrySnapshot entry, ModeScope scope, ModeChange named) =>
        !entry.IsSession
        && entry.Token is null
        && entry.Scope == ModeScopes.Normalize(scope)
        && ModeText.Write(entry.Change).Any(mode => ModeText.Write(named).Any(one => one.Key == mode.Key));

    public static async Task EnterAsync(HttpContext context, NodeEdge edge, EdgeRoute _)
    {
        ModeChangeDocument wanted = await JsonBody.ReadAsync(
            context,
            edge.Memory,
            AdminJson.Default.ModeChangeDocument,
            new ModeChangeDocument([])
        );
        await AskAsync(context, edge, new EnterMode(ScopeReader.Of(wanted.Scope), Change(wanted.Modes), Lease(wanted.Lease)));
    }

    public static async Task RenewAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new RenewMode(new ModeToken(ScopeReader.Id(route.Name, "token")), await LeaseAsync(context, edge)));

    public static async Task ExitAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new ExitMode(new ModeToken(ScopeReader.Id(route.Name, "token"))));

    public static async Task OpenSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute _) =>
        await AskAsync(context, edge, new OpenSession(await LeaseAsync(context, edge)));

    public static async Task RenewSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(
            context,
            edge,
            new RenewSession(new SessionId(ScopeReader.Id(route.Name, "session")), await LeaseAsync(context, edge))
        );

    public static async Task CloseSessionAsync(HttpContext context, NodeEdge edge, EdgeRoute route) =>
        await AskAsync(context, edge, new CloseSession(new SessionId(ScopeReader.Id(route.Name, "session"))));

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

    private static ModeChange Change(Dictionary<string, ModeValueText>? modes)
    {
        if (modes is null)
        {
            throw Bad("the body names no modes; write {\"modes\": {\"cuda-graphs\": \"auto\"}}");
        }

        ModeChange change = ModeChange.None;
        HashSet<string> seen = [];
        foreach ((string name, ModeValueText value) in modes)
        {
            if (!seen.Add(ModeSpelling.Key(name)))
            {
                throw Bad($"the mode '{name}' is given twice");
            }

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

    private static async Task<TimeSpan> LeaseAsync(HttpContext context, NodeEdge edge) =>
        Lease((await JsonBody.ReadAsync(context, edge.Memory, AdminJson.Default.LeaseDocument, new LeaseDocument())).Lease);

    private static BadHttpRequestException Bad(string message) => new(message);
}
