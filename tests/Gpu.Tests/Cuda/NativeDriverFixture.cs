using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Native;
using Troupe.TestSupport.Cuda;

namespace Troupe.Gpu.Tests.Cuda;

/// <summary>The machine's real devices; without any, every test is skipped with the driver's own words.</summary>
public sealed class NativeDriverFixture : DriverFixture
{
    private static readonly Lazy<(NativeCudaDriver? Driver, string? Reason)> Machine = new(Find);

    public override string? SkipReason => Machine.Value.Reason;

    /// <summary>One driver for the whole run: CUDA is never unloaded.</summary>
    internal static NativeCudaDriver Driver => Machine.Value.Driver ?? throw new InvalidOperationException(Machine.Value.Reason);

    internal static string? Reason => Machine.Value.Reason;

    internal override ICudaDriver Open() => Driver;

    private static (NativeCudaDriver?, string?) Find()
    {
        try
        {
            NativeCudaDriver driver = NativeCudaDriver.Open();
            driver.DeviceGetCount(out int count);
            return count > 0 ? (driver, null) : (null, "There is no GPU: the CUDA driver lists no device.");
        }
        catch (CudaUnavailableException error)
        {
            return (null, $"There is no GPU: {error.Message}");
        }
    }
}
