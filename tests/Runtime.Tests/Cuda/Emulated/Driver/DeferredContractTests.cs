using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Driver;

// The contract suite against emulated devices in the deferred policy, one class per area.
public sealed class DeferredContextTests : ContextContract<DeferredDriverFixture>;

public sealed class DeferredMemoryTests : MemoryContract<DeferredDriverFixture>;

public sealed class DeferredStreamTests : StreamContract<DeferredDriverFixture>;

public sealed class DeferredCaptureTests : CaptureContract<DeferredDriverFixture>;

public sealed class DeferredGraphTests : GraphContract<DeferredDriverFixture>;

public sealed class DeferredKernelTests : KernelContract<DeferredDriverFixture>;

public sealed class DeferredHostFunctionTests : HostFunctionContract<DeferredDriverFixture>;

public sealed class DeferredFaultTests : FaultContract<DeferredDriverFixture>;
