namespace Troupe.TestSupport.Cuda;

/// <summary>Between which memories a copy goes.</summary>
internal enum CopyKind
{
    ToDevice,
    ToHost,
    OnDevice,
    Peer,
}
