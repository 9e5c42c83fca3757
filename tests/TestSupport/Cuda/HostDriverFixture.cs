using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Contract tests against emulated devices; a leak fails the test.</summary>
public abstract class HostDriverFixture : DriverFixture
{
    internal abstract HostDriverOptions Options { get; }

    internal override ICudaDriver Open()
    {
        var driver = new HostCudaDriver(Options);
        ContractKernels.Register(driver);
        return driver;
    }

    internal override void Close(ICudaDriver driver)
    {
        IReadOnlyList<string> alive = ((HostCudaDriver)driver).Alive();
        driver.Dispose();
        Assert.Empty(alive);
    }
}
