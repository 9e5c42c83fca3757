using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Driver;

// The contract suite against emulated devices in the inline policy, one class per area.
public sealed class InlineContextTests : ContextContract<InlineDriverFixture>;

public sealed class InlineMemoryTests : MemoryContract<InlineDriverFixture>;

public sealed class InlineStreamTests : StreamContract<InlineDriverFixture>;

public sealed class InlineCaptureTests : CaptureContract<InlineDriverFixture>;

public sealed class InlineGraphTests : GraphContract<InlineDriverFixture>;

public sealed class InlineKernelTests : KernelContract<InlineDriverFixture>;

public sealed class InlineHostFunctionTests : HostFunctionContract<InlineDriverFixture>;

public sealed class InlineFaultTests : FaultContract<InlineDriverFixture>;
