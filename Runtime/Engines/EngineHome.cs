using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Engines;

/// <summary>The device an engine is loaded on, and the stream that loading may use.</summary>
/// <param name="Context">The primary device context; current on the thread whenever an engine is called.</param>
/// <param name="LoadStream">Belongs to whoever loads; never a lane's.</param>
/// <param name="Memory">Where everything on the device that the engine keeps comes from.</param>
internal readonly record struct EngineHome(ICudaDriver Driver, int Ordinal, CuContext Context, CuStream LoadStream, BlockPool Memory);
