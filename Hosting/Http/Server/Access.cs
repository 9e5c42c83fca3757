namespace Troupe.Hosting.Http.Server;

/// <summary>Who may use an endpoint: what authorisation distinguishes.</summary>
internal enum Access
{
    /// <summary>Anybody: is it alive, is it ready.</summary>
    Health,

    /// <summary>Callers of models, and what they read of them.</summary>
    Inference,

    /// <summary>Who may look at nodes, devices, models and modes.</summary>
    AdminRead,

    /// <summary>Who may change them.</summary>
    AdminWrite,
}
