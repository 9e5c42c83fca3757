using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Host;

public sealed class InlineGraphTests : GraphContract<InlineDriverFixture>;
