using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>Weights, buffers and tensor constants, read when a call names them.</summary>
internal sealed class StoredTensors(
    ZipFile archive,
    IReadOnlyDictionary<string, Payload> constants,
    IReadOnlyDictionary<string, Payload> weights
)
{
    public ArtifactState Read(ArtifactTensor tensor, ArtifactStateKind kind, string fullName, string where)
    {
        if (!weights.TryGetValue(fullName, out Payload? payload) && !constants.TryGetValue(fullName, out payload))
        {
            throw ArtifactException.Missing(where, $"the tensor '{Shown.Of(fullName)}' is not stored in the archive");
        }

        return payload.IsPickled
            ? throw ArtifactException.Corrupt(where, $"the tensor '{Shown.Of(fullName)}' is stored as a pickle, not as bytes")
            : new ArtifactState(tensor, kind, fullName, archive.Read(payload.Entry));
    }
}
