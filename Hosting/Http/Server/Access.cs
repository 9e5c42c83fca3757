namespace Troupe.Hosting.Http.Server;

/// <summary>Whom an endpoint is for: shown in the OpenAPI document as <c>x-access</c>. Nothing enforces it yet: every endpoint answers
/// everybody
/// who reaches its address.</summary>
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
