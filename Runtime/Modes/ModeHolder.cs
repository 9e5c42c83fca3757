namespace Troupe.Runtime.Modes;

/// <summary>Who runs under a mode; it decides for which scopes the mode can be set.</summary>
public enum ModeHolder
{
    /// <summary>Each forward keeps what held when it was admitted on its device: every scope.</summary>
    Forward = 0,

    /// <summary>An instance has it for all its forwards and a change is a barrier between them: every scope but session and call.</summary>
    Instance = 1,

    /// <summary>The router a forward starts from, before a device is known: cluster, model, session and call.</summary>
    Router = 2,

    /// <summary>The same, before the version of a model is known: cluster, model without a number, session and call.</summary>
    Version = 3,
}
