using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Troupe.Runtime.Cuda.Interop;

/// <summary>Finds the driver library and its versioned entry points.</summary>
internal sealed unsafe class CudaSymbols
{
    /// <summary>Troupe needs versioned symbols and <c>cuGraphExecUpdate_v2</c>: CUDA 12.0.</summary>
    public const int OldestDriver = 12000;

    private const ulong LegacyStream = 1;

    private readonly delegate* unmanaged[Cdecl]<byte*, void**, int, ulong, int*, CuResult> _getProcAddress;
    private readonly string _library;
    private readonly List<string> _missing = [];

    private CudaSymbols(string library, nint getProcAddress)
    {
        _library = library;

        // SAFETY: the export's signature is fixed by its name, cuGetProcAddress_v2 (CUDA 12.0).
        _getProcAddress = (delegate* unmanaged[Cdecl]<byte*, void**, int, ulong, int*, CuResult>)getProcAddress;
    }

    /// <summary>Every symbol that was asked for, with the version of its signature, and its address: 0 where the driver has none.</summary>
    public Dictionary<string, (int Version, nint Address)> Asked { get; } = new(StringComparer.Ordinal);

    /// <summary>Opens the driver's library.</summary>
    /// <param name="library">Path or name; null takes the platform's.</param>
    /// <exception cref="CudaUnavailableException">There is none, or it is older than CUDA 12.0.</exception>
    public static CudaSymbols Open(string? library = null)
    {
        string name = library ?? (OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1");
        if (!NativeLibrary.TryLoad(name, out nint handle))
        {
            throw new CudaUnavailableException(
                $"The CUDA driver library '{name}' was not found: install NVIDIA's driver 525 or later, or run on emulated devices."
            );
        }

        return NativeLibrary.TryGetExport(handle, "cuGetProcAddress_v2", out nint getProcAddress)
            ? new CudaSymbols(name, getProcAddress)
            : throw new CudaUnavailableException(
                $"The CUDA driver library '{name}' has no cuGetProcAddress_v2: it is older than CUDA 12.0; install NVIDIA's driver 525 or later."
            );
    }

    /// <summary>Address of a symbol with the signature it has in <paramref name="version"/>; 0, and noted as missing, where the driver has
    /// none.</summary>
    public void* Find(string symbol, int version)
    {
        byte[] name = Encoding.ASCII.GetBytes(symbol + '\0');
        void* address = null;
        int query = 0;

        // SAFETY: the name is NUL-terminated and pinned for the call; both results are locals.
        fixed (byte* pinned = name)
        {
            CuResult status = _getProcAddress(pinned, &address, version, LegacyStream, &query);
            Asked[symbol] = (version, status == CuResult.Success ? (nint)address : 0);
            if (status != CuResult.Success || address is null)
            {
                _missing.Add(string.Create(CultureInfo.InvariantCulture, $"{symbol} ({version})"));
                return null;
            }
        }

        return address;
    }

    public void ThrowIfAnyMissing()
    {
        if (_missing.Count > 0)
        {
            throw new CudaUnavailableException(
                $"The CUDA driver library '{_library}' lacks {string.Join(", ", _missing)}: install NVIDIA's driver 525 or later."
            );
        }
    }
}
