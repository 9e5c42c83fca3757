using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Startup;

/// <summary>The endpoint table: one row per verb and path that a node answers. Matching, 405, content types, the class of access, the
/// OpenAPI
/// document and the paths of the command line come from it.</summary>
/// <remarks>To add an endpoint: its handler and documents in <c>Http/Admin</c>, the documents in <see cref="AdminJson"/>, a row here, the
/// command in <c>Cli</c>; the test of the OpenAPI document says how to write that file anew.</remarks>
internal static class Endpoints
{
    private static readonly List<EdgeEndpoint> Rows = [];

    // The Open Inference Protocol, as Triton serves it.
    public static readonly EdgeEndpoint Infer = V2(
        "POST",
        "/v2/models/{name}[/versions/{version}]/infer",
        Access.Inference,
        InferEndpoint.InferAsync,
        "Runs one inference",
        Answer.Text
    );
    public static readonly EdgeEndpoint ServerMetadata = V2(
        "GET",
        "/v2",
        Access.Inference,
        ServerEndpoints.MetadataAsync,
        "Name, version and protocol extensions of the server"
    );
    public static readonly EdgeEndpoint ServerLive = V2(
        "GET",
        "/v2/health/live",
        Access.Health,
        ServerEndpoints.LiveAsync,
        "200 while the process answers",
        Answer.Text
    );
    public static readonly EdgeEndpoint ServerReady = V2(
        "GET",
        "/v2/health/ready",
        Access.Health,
        ServerEndpoints.ReadyAsync,
        "200 when the node takes forwards, otherwise 400",
        Answer.Text
    );
    public static readonly EdgeEndpoint ModelReady = V2(
        "GET",
        "/v2/models/{name}[/versions/{version}]/ready",
        Access.Health,
        ModelEndpoints.ReadyAsync,
        "200 when the model can be forwarded to, otherwise 400",
        Answer.Text
    );
    public static readonly EdgeEndpoint ModelMetadata = V2(
        "GET",
        "/v2/models/{name}[/versions/{version}]",
        Access.Inference,
        ModelEndpoints.MetadataAsync,
        "Versions, platform and tensors of a model"
    );
    public static readonly EdgeEndpoint ModelConfig = V2(
        "GET",
        "/v2/models/{name}[/versions/{version}]/config",
        Access.Inference,
        ModelEndpoints.ConfigurationAsync,
        "The model's configuration, as Triton completes it"
    );
    public static readonly EdgeEndpoint ModelStatistics = V2(
        "GET",
        "/v2/models/{name}[/versions/{version}]/stats",
        Access.Inference,
        ModelEndpoints.StatisticsAsync,
        "What this node counted of a model"
    );
    public static readonly EdgeEndpoint AllStatistics = V2(
        "GET",
        "/v2/models/stats",
        Access.Inference,
        ModelEndpoints.AllStatisticsAsync,
        "What this node counted of every model"
    );
    public static readonly EdgeEndpoint RepositoryIndex = V2(
        "POST",
        "/v2/repository[/{repository}]/index",
        Access.AdminRead,
        RepositoryEndpoints.IndexAsync,
        "Every model version, loaded or not"
    );
    public static readonly EdgeEndpoint RepositoryLoad = V2(
        "POST",
        "/v2/repository/models/{name}/load",
        Access.AdminWrite,
        RepositoryEndpoints.LoadAsync,
        "Loads a model from the node's repository"
    );
    public static readonly EdgeEndpoint RepositoryUnload = V2(
        "POST",
        "/v2/repository/models/{name}/unload",
        Access.AdminWrite,
        RepositoryEndpoints.UnloadAsync,
        "Unloads a model; 200 for unknown ones too"
    );
    public static readonly EdgeEndpoint NamedRepositoryLoad = V2(
        "POST",
        "/v2/repository/{repository}/models/{name}/load",
        Access.AdminWrite,
        RepositoryEndpoints.NamedAsync,
        "Not supported: a node has one repository"
    );
    public static readonly EdgeEndpoint NamedRepositoryUnload = V2(
        "POST",
        "/v2/repository/{repository}/models/{name}/unload",
        Access.AdminWrite,
        RepositoryEndpoints.NamedAsync,
        "Not supported: a node has one repository"
    );

    // Troupe's own administration.
    public static readonly EdgeEndpoint<DevicesDocument> ListDevices = Get(
        "/v2/troupe/devices",
        AdminEndpoints.DevicesAsync,
        AdminJson.Default.DevicesDocument,
        "Every device of every known node"
    );
    public static readonly EdgeEndpoint<NodesDocument> ListNodes = Get(
        "/v2/troupe/nodes",
        AdminEndpoints.NodesAsync,
        AdminJson.Default.NodesDocument,
        "This node first, then the others it knows"
    );
    public static readonly EdgeEndpoint<ModelsDocument> ListModels = Get(
        "/v2/troupe/models",
        AdminEndpoints.ModelsAsync,
        AdminJson.Default.ModelsDocument,
        "One row per model version and node"
    );
    public static readonly EdgeEndpoint<LoadDocument, LoadedDocument> LoadModel = Post(
        "/v2/troupe/models/{name}/load",
        AdminEndpoints.LoadAsync,
        AdminJson.Default.LoadDocument,
        AdminJson.Default.LoadedDocument,
        "Loads a model on a node; an empty body loads the highest version from the node's repository"
    );
    public static readonly EdgeEndpoint<UnloadDocument, UnloadedDocument> UnloadModel = Post(
        "/v2/troupe/models/{name}/unload",
        AdminEndpoints.UnloadAsync,
        AdminJson.Default.UnloadDocument,
        AdminJson.Default.UnloadedDocument,
        "Unloads a model from a node; forwards that wait for it finish first"
    );
    public static readonly EdgeEndpoint<ModesDocument> ListModes = Get(
        "/v2/troupe/modes",
        ModeEndpoints.ListAsync,
        AdminJson.Default.ModesDocument,
        "Baselines, entered modes and sessions that bear on a scope",
        AdminJson.Default.ScopeDocument
    );
    public static readonly EdgeEndpoint<ModeExplanationDocument> ExplainModes = Get(
        "/v2/troupe/modes/explain",
        ModeEndpoints.ExplainAsync,
        AdminJson.Default.ModeExplanationDocument,
        "What holds for a scope, where each setting comes from, and who cannot run with it",
        AdminJson.Default.ScopeDocument
    );
    public static readonly EdgeEndpoint<AuditDocument> ReadAudit = Get(
        "/v2/troupe/modes/audit",
        ModeEndpoints.AuditAsync,
        AdminJson.Default.AuditDocument,
        "What this node's router has counted under the mode audit, by the scope that asked for it",
        AdminJson.Default.AuditScopeDocument
    );
    public static readonly EdgeEndpoint<ModeSettingDocument, ModeChangedDocument> SetMode = Post(
        "/v2/troupe/modes/set",
        ModeEndpoints.SetAsync,
        AdminJson.Default.ModeSettingDocument,
        AdminJson.Default.ModeChangedDocument,
        "Sets the baseline of a scope; it holds until set again or taken back"
    );
    public static readonly EdgeEndpoint<ModeChangedDocument> UnsetMode = Delete(
        "/v2/troupe/modes/set",
        ModeEndpoints.UnsetAsync,
        AdminJson.Default.ModeChangedDocument,
        "Takes the baseline of a scope back for some modes; wider scopes show through again",
        AdminJson.Default.UnsetDocument
    );
    public static readonly EdgeEndpoint<ModeChangeDocument, ModeChangedDocument> EnterMode = Post(
        "/v2/troupe/modes/enter",
        ModeEndpoints.EnterAsync,
        AdminJson.Default.ModeChangeDocument,
        AdminJson.Default.ModeChangedDocument,
        "Enters modes for a scope until exited or until the lease ends"
    );
    public static readonly EdgeEndpoint<LeaseDocument, LeaseGrantedDocument> RenewMode = Post(
        "/v2/troupe/modes/{token}/renew",
        ModeEndpoints.RenewAsync,
        AdminJson.Default.LeaseDocument,
        AdminJson.Default.LeaseGrantedDocument,
        "Renews the lease of an entered mode"
    );
    public static readonly EdgeEndpoint<ModeChangedDocument> ExitMode = Delete(
        "/v2/troupe/modes/{token}",
        ModeEndpoints.ExitAsync,
        AdminJson.Default.ModeChangedDocument,
        "Exits an entered mode; answered when everything it held is released"
    );
    public static readonly EdgeEndpoint<LeaseDocument, LeaseGrantedDocument> OpenSession = Post(
        "/v2/troupe/sessions",
        ModeEndpoints.OpenSessionAsync,
        AdminJson.Default.LeaseDocument,
        AdminJson.Default.LeaseGrantedDocument,
        "Opens a session, for which modes can be entered and which requests can name"
    );
    public static readonly EdgeEndpoint<LeaseDocument, LeaseGrantedDocument> RenewSession = Post(
        "/v2/troupe/sessions/{session}/renew",
        ModeEndpoints.RenewSessionAsync,
        AdminJson.Default.LeaseDocument,
        AdminJson.Default.LeaseGrantedDocument,
        "Renews the lease of a session"
    );
    public static readonly EdgeEndpoint<LeaseGrantedDocument> CloseSession = Delete(
        "/v2/troupe/sessions/{session}",
        ModeEndpoints.CloseSessionAsync,
        AdminJson.Default.LeaseGrantedDocument,
        "Closes a session and ends its modes"
    );
    public static readonly EdgeEndpoint Describe = V2(
        "GET",
        "/v2/troupe/openapi.json",
        Access.AdminRead,
        OpenApiDocument.DescribeAsync,
        "This document"
    );

    /// <summary>Every row, in the order above.</summary>
    public static IReadOnlyList<EdgeEndpoint> All => Rows;

    /// <summary>An endpoint whose bodies are not Troupe's documents.</summary>
    private static EdgeEndpoint V2(
        string verb,
        string pattern,
        Access access,
        EndpointHandler handler,
        string summary,
        string contentType = Answer.Json,
        [CallerMemberName] string name = ""
    ) => Add(new EdgeEndpoint(name, verb, pattern, access, handler, contentType, summary));

    private static EdgeEndpoint<TDocument> Get<TDocument>(
        string pattern,
        EndpointHandler handler,
        JsonTypeInfo<TDocument> document,
        string summary,
        JsonTypeInfo? query = null,
        [CallerMemberName] string name = ""
    ) => Add(new EdgeEndpoint<TDocument>(name, "GET", pattern, Access.AdminRead, handler, summary, document) { Query = query });

    private static EdgeEndpoint<TDocument> Delete<TDocument>(
        string pattern,
        EndpointHandler handler,
        JsonTypeInfo<TDocument> document,
        string summary,
        JsonTypeInfo? query = null,
        [CallerMemberName] string name = ""
    ) => Add(new EdgeEndpoint<TDocument>(name, "DELETE", pattern, Access.AdminWrite, handler, summary, document) { Query = query });

    private static EdgeEndpoint<TBody, TDocument> Post<TBody, TDocument>(
        string pattern,
        EndpointHandler handler,
        JsonTypeInfo<TBody> body,
        JsonTypeInfo<TDocument> document,
        string summary,
        [CallerMemberName] string name = ""
    ) => Add(new EdgeEndpoint<TBody, TDocument>(name, "POST", pattern, Access.AdminWrite, handler, summary, body, document));

    private static T Add<T>(T row)
        where T : EdgeEndpoint
    {
        Rows.Add(row);
        return row;
    }
}
