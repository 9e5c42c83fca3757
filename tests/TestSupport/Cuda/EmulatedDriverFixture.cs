using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Contract tests against emulated devices; a leak fails the test.</summary>
public abstract class EmulatedDriverFixture : DriverFixture
{
    internal abstract EmulatedDriverOptions Options { get; }

    internal override ICudaDriver Open()
    {
        var driver = new EmulatedCudaDriver(Options);
        ContractKernels.Register(driver);
        return driver;
    }

    internal override void Close(ICudaDriver driver)
    {
        IReadOnlyList<string> alive = ((EmulatedCudaDriver)driver).Alive();
        driver.Dispose();
        Assert.Empty(alive);
    }
}
