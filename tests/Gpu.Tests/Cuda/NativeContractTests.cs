using Troupe.TestSupport.Cuda;

namespace Troupe.Gpu.Tests.Cuda;

// The contract suite against the machine's real devices, one class per area.
public sealed class NativeContextTests : ContextContract<NativeDriverFixture>;

public sealed class NativeMemoryTests : MemoryContract<NativeDriverFixture>;

public sealed class NativeStreamTests : StreamContract<NativeDriverFixture>;

public sealed class NativeCaptureTests : CaptureContract<NativeDriverFixture>;

public sealed class NativeGraphTests : GraphContract<NativeDriverFixture>;

public sealed class NativeKernelTests : KernelContract<NativeDriverFixture>;

public sealed class NativeHostFunctionTests : HostFunctionContract<NativeDriverFixture>;

public sealed class NativeFaultTests : FaultContract<NativeDriverFixture>;
