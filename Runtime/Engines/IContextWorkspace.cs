using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines;

/// <summary>The facet of execution contexts whose scratch memory their caller supplies, so that several can share it.</summary>
internal interface IContextWorkspace
{
    /// <summary>Bytes that the shapes now set need; 0 where they need none.</summary>
    long Bytes { get; }

    /// <summary>Scratch memory of at least <see cref="Bytes"/> for the enqueues to come.</summary>
    void Bind(DevicePointer address, long bytes);
}
