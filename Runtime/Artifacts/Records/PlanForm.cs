namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Form of the engine inside a record.</summary>
public enum PlanForm
{
    /// <summary>As the engine's builder wrote it.</summary>
    Raw,

    /// <summary>RFC 4648 with padding: the form inside every pickle.</summary>
    Base64,
}
