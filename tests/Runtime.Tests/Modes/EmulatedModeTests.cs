using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Modes;

namespace Troupe.Runtime.Tests.Modes;

/// <summary>The modes on emulated devices that run work in random legal orders.</summary>
public sealed class EmulatedModeTests : ModeContract
{
    internal override Platform Open() =>
        new(
            new EmulatedCudaDriver(
                EmulatedDriverOptions.WithDevices(2) with
                {
                    Policy = ExecutionPolicy.Deferred,
                    Seed = 17,
                    Strict = true,
                }
            ),
            StandardBackends.Catalogue
        );
}
