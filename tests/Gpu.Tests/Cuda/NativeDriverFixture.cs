using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Native;
using Troupe.TestSupport.Cuda;

namespace Troupe.Gpu.Tests.Cuda;

/// <summary>The machine's real devices; without any, every test is skipped with the driver's own words.</summary>
public sealed class NativeDriverFixture : DriverFixture
{
    private static readonly Lazy<(NativeCudaDriver? Driver, string? Reason)> Machine = new(Find);

    public override string? SkipReason => Machine.Value.Reason;

    /// <summary>A fault ends CUDA for the whole process, so each of those tests runs alone:
    /// <c>TROUPE_GPU_FAULTS=1 ./Troupe.Gpu.Tests -method NAME</c>.</summary>
    public override string? NoFaultsReason =>
        Environment.GetEnvironmentVariable("TROUPE_GPU_FAULTS") == "1"
            ? null
            : "A fault ends CUDA for the whole process: run each of these tests alone, with TROUPE_GPU_FAULTS=1 and -method NAME.";

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
