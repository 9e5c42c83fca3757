using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Driver;

// The contract suite against emulated devices on a virtual clock, one class per area; streams are in TimedExecutionTests, since a gate
// would hold the clock.
public sealed class TimedContextTests : ContextContract<TimedDriverFixture>;

public sealed class TimedMemoryTests : MemoryContract<TimedDriverFixture>;

public sealed class TimedCaptureTests : CaptureContract<TimedDriverFixture>;

public sealed class TimedGraphTests : GraphContract<TimedDriverFixture>;

public sealed class TimedKernelTests : KernelContract<TimedDriverFixture>;

public sealed class TimedHostFunctionTests : HostFunctionContract<TimedDriverFixture>;

public sealed class TimedFaultTests : FaultContract<TimedDriverFixture>;
