using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Native;

namespace Troupe.Runtime.Tests.Cuda.Native;

/// <summary>Where there is no driver, opening it says what is missing; what a driver does is tested on one (<c>Gpu.Tests</c>).</summary>
public sealed class NativeCudaDriverTests
{
    [Fact]
    public void A_library_that_is_not_there_is_named() =>
        Assert.Contains(
            "/no/such/libcuda.so",
            Assert.Throws<CudaUnavailableException>(() => NativeCudaDriver.Open("/no/such/libcuda.so")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_library_of_something_else_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Another library of the system is needed, and this one is Linux's.");
        Assert.Throws<CudaUnavailableException>(() => NativeCudaDriver.Open("libc.so.6"));
    }
}
