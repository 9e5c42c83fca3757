using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Native;

namespace Troupe.Runtime.Tests.Cuda.Interop;

public sealed class CudaSymbolsTests
{
    [Fact]
    public void A_missing_library_is_one_clear_error()
    {
        CudaUnavailableException error = Assert.Throws<CudaUnavailableException>(() =>
            NativeCudaDriver.Open("libcuda-that-is-not-here.so.1")
        );

        Assert.Contains("libcuda-that-is-not-here.so.1", error.Message, StringComparison.Ordinal);
        Assert.Contains("emulated devices", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_without_versioned_symbols_is_named_too_old()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The C library stands in for an old driver; its name is Linux's.");

        CudaUnavailableException error = Assert.Throws<CudaUnavailableException>(() => NativeCudaDriver.Open("libc.so.6"));

        Assert.Contains("cuGetProcAddress_v2", error.Message, StringComparison.Ordinal);
    }
}
