using System.Runtime.InteropServices;
using Troupe.Runtime.Cuda.Interop;

namespace Troupe.Runtime.Cuda.Native;

/// <summary>Real devices: the port on NVIDIA's driver library, call by call.</summary>
/// <remarks>
/// <b>Owns</b> nothing; the library stays loaded for the life of the process, as CUDA wants it.
/// <b>Thread</b> any. <b>Blocks</b> where the driver does. Adds one verdict to the driver's: the null stream is refused, because it
/// synchronizes with everything.
/// </remarks>
internal sealed unsafe partial class NativeCudaDriver : ICudaDriver
{
    private readonly CudaApi _api;

    private NativeCudaDriver(CudaSymbols symbols)
    {
        Symbols = symbols;
        _api = new CudaApi(symbols);
    }

    /// <summary>What the table was filled with; for tests.</summary>
    internal CudaSymbols Symbols { get; }

    /// <summary>Opens the driver and initializes it.</summary>
    /// <param name="library">Path of the driver library; null takes the platform's.</param>
    /// <exception cref="CudaUnavailableException">No library, too old a driver, or no device it can use.</exception>
    public static NativeCudaDriver Open(string? library = null)
    {
        NativeCudaDriver driver = new(CudaSymbols.Open(library));
        CuResult status = driver._api.cuInit(0);
        if (status != CuResult.Success)
        {
            throw new CudaUnavailableException(
                $"The CUDA driver does not start: {driver.ErrorName(status)} ({driver.ErrorString(status)}). Check that `nvidia-smi` lists a device and that this process may use it."
            );
        }

        driver.DriverGetVersion(out int version);
        return version >= CudaSymbols.OldestDriver
            ? driver
            : throw new CudaUnavailableException(
                $"The CUDA driver is of version {version / 1000}.{version % 1000 / 10}, 12.0 is needed: install NVIDIA's driver 525 or later."
            );
    }

    public CuResult DriverGetVersion(out int version)
    {
        fixed (int* result = &version)
        {
            return _api.cuDriverGetVersion(result);
        }
    }

    public string ErrorName(CuResult status)
    {
        byte* text = null;
        return _api.cuGetErrorName(status, &text) == CuResult.Success ? Text(text) : $"CUDA status {(int)status}";
    }

    public string ErrorString(CuResult status)
    {
        byte* text = null;
        return _api.cuGetErrorString(status, &text) == CuResult.Success ? Text(text) : "unknown to this driver";
    }

    /// <summary>Nothing to do: CUDA is never unloaded.</summary>
    public void Dispose() { }

    // SAFETY: the driver returns static NUL-terminated strings.
    private static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}
