using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;

namespace Troupe.Runtime.Engines;

/// <summary>The facet of TensorRT-RTX engines: kernels specialized at run time, recordings of their own, a cache of what was
/// compiled.</summary>
/// <remarks><b>Owns</b> nothing: the cache belongs to the instance. <b>Thread</b> as <see cref="IEngine"/>.</remarks>
internal interface IConfigurableRuntime
{
    /// <summary>Puts settings in force; no execution context exists meanwhile.</summary>
    /// <param name="cache">Where compiled kernels are looked for and kept; null keeps none. It stays valid until the next call.</param>
    void Configure(RuntimeSettings settings, RuntimeCache? cache);
}
