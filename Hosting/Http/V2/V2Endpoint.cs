using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.V2;

/// <summary>What a path asks for. Each has one verb, and one content type for answers without content.</summary>
internal enum V2Endpoint
{
    /// <summary>No such path.</summary>
    None,
    ServerMetadata,
    ServerLive,
    ServerReady,
    ModelMetadata,
    ModelReady,
    ModelConfig,
    ModelStatistics,
    AllStatistics,
    Infer,
    RepositoryIndex,
    RepositoryLoad,
    RepositoryUnload,

    /// <summary>Load or unload with a repository's name: Triton's answer is "not supported".</summary>
    NamedRepository,
    TroupeDevices,
    TroupeNodes,
    TroupeModels,
    TroupeLoad,
    TroupeUnload,
    TroupeOpenApi,
    ModeList,
    ModeExplain,
    ModeSet,
    ModeEnter,
    ModeRenew,
    ModeExit,
    SessionOpen,
    SessionRenew,
    SessionClose,
}

/// <summary>What is fixed for each endpoint, whatever the request holds.</summary>
internal static class V2Endpoints
{
    extension(V2Endpoint endpoint)
    {
        /// <summary>The only verb it answers; any other, HEAD and OPTIONS too, is 405.</summary>
        public string Method =>
            endpoint switch
            {
                V2Endpoint.Infer
                or V2Endpoint.RepositoryIndex
                or V2Endpoint.RepositoryLoad
                or V2Endpoint.RepositoryUnload
                or V2Endpoint.NamedRepository
                or V2Endpoint.TroupeLoad
                or V2Endpoint.TroupeUnload
                or V2Endpoint.ModeSet
                or V2Endpoint.ModeEnter
                or V2Endpoint.ModeRenew
                or V2Endpoint.SessionOpen
                or V2Endpoint.SessionRenew => "POST",
                V2Endpoint.ModeExit or V2Endpoint.SessionClose => "DELETE",
                V2Endpoint.None
                or V2Endpoint.ServerMetadata
                or V2Endpoint.ServerLive
                or V2Endpoint.ServerReady
                or V2Endpoint.ModelMetadata
                or V2Endpoint.ModelReady
                or V2Endpoint.ModelConfig
                or V2Endpoint.ModelStatistics
                or V2Endpoint.AllStatistics
                or V2Endpoint.TroupeDevices
                or V2Endpoint.TroupeNodes
                or V2Endpoint.TroupeModels
                or V2Endpoint.TroupeOpenApi
                or V2Endpoint.ModeList
                or V2Endpoint.ModeExplain => "GET",
            };

        /// <summary>Content type of 404, 405 and empty answers, as Triton labels them.</summary>
        public string PlainContentType =>
            endpoint switch
            {
                V2Endpoint.None or V2Endpoint.ServerLive or V2Endpoint.ServerReady or V2Endpoint.ModelReady or V2Endpoint.Infer =>
                    Answer.Text,
                V2Endpoint.ServerMetadata
                or V2Endpoint.ModelMetadata
                or V2Endpoint.ModelConfig
                or V2Endpoint.ModelStatistics
                or V2Endpoint.AllStatistics
                or V2Endpoint.RepositoryIndex
                or V2Endpoint.RepositoryLoad
                or V2Endpoint.RepositoryUnload
                or V2Endpoint.NamedRepository
                or V2Endpoint.TroupeDevices
                or V2Endpoint.TroupeNodes
                or V2Endpoint.TroupeModels
                or V2Endpoint.TroupeLoad
                or V2Endpoint.TroupeUnload
                or V2Endpoint.TroupeOpenApi
                or V2Endpoint.ModeList
                or V2Endpoint.ModeExplain
                or V2Endpoint.ModeSet
                or V2Endpoint.ModeEnter
                or V2Endpoint.ModeRenew
                or V2Endpoint.ModeExit
                or V2Endpoint.SessionOpen
                or V2Endpoint.SessionRenew
                or V2Endpoint.SessionClose => Answer.Json,
            };
    }
}
