using Troupe.Messages.Failures;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>The back ends of this process, by the names that manifests use.</summary>
internal sealed class BackendCatalog(IReadOnlyList<IEngineBackend> backends)
{
    /// <exception cref="ModuleLoadException">There is no such back end.</exception>
    public IEngineBackend Find(SegmentSpec segment) =>
        backends.FirstOrDefault(backend => backend.Name == segment.Backend)
        ?? throw new ModuleLoadException(
            FailureKind.NotSupported,
            $"Segment '{segment.Name}' wants the back end '{segment.Backend}' for '{segment.File}', which is not in this build; it has {string.Join(", ", backends.Select(backend => $"'{backend.Name}'"))}."
        );
}
