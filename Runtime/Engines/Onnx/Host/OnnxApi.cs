using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace Troupe.Runtime.Engines.Onnx.Host;

// Binding: one P/Invoke, OrtGetApiBase; everything else through the table it answers, whose slots the managed package names in OrtApi.

/// <summary>The calls of ONNX Runtime's C API that its managed package does not offer: an arena with a bound of 64 bits, and what an
/// allocator holds.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal static unsafe partial class OnnxApi
{
    /// <summary>The first with statistics of allocators.</summary>
    private const uint Version = 23;

    /// <summary>Takes from the system what is asked for and no more, so that a region goes back when its one user is done.</summary>
    private const nuint SameAsRequested = 1;

    private static readonly OrtApi* Table = Open();

    /// <summary>Has the environment keep an arena over this memory, for sessions that ask for it.</summary>
    /// <exception cref="InvalidOperationException">ONNX Runtime refuses it.</exception>
    public static void RegisterArena(OrtEnv environment, OrtMemoryInfo memory, ulong maxBytes)
    {
        // SAFETY: names are literals with a NUL behind them; keys and values are this frame's and copied by the call.
        fixed (
            byte* bound = "max_mem"u8,
                strategy = "arena_extend_strategy"u8
        )
        {
            byte** keys = stackalloc byte*[] { bound, strategy };
            nuint* values = stackalloc nuint[] { (nuint)maxBytes, SameAsRequested };
            nint arena = 0;
            ThrowIfFailed(((delegate* unmanaged<byte**, nuint*, nuint, nint*, nint>)Table->CreateArenaCfgV2)(keys, values, 2, &arena));
            try
            {
                ThrowIfFailed(
                    ((delegate* unmanaged<nint, nint, nint, nint>)Table->CreateAndRegisterAllocator)(
                        environment.DangerousGetHandle(),
                        memory.DangerousGetHandle(),
                        arena
                    )
                );
            }
            finally
            {
                ((delegate* unmanaged<nint, void>)Table->ReleaseArenaCfg)(arena);
            }
        }
    }

    /// <summary>Bytes that an allocator has taken from the system, and how many of them are in use.</summary>
    public static (long Taken, long InUse) Holdings(OrtAllocator allocator)
    {
        // SAFETY: the pairs are released below; the values are copied before.
        nint pairs = 0;
        ThrowIfFailed(((delegate* unmanaged<nint, nint*, nint>)Table->AllocatorGetStats)(allocator.DangerousGetHandle(), &pairs));
        try
        {
            fixed (
                byte* taken = "TotalAllocated"u8,
                    inUse = "InUse"u8
            )
            {
                return (Number(pairs, taken), Number(pairs, inUse));
            }
        }
        finally
        {
            ((delegate* unmanaged<nint, void>)Table->ReleaseKeyValuePairs)(pairs);
        }
    }

    [LibraryImport("onnxruntime")]
    private static partial OrtApiBase* OrtGetApiBase();

    // SAFETY: the base is static memory of the library, which stays loaded for the life of the process.
    private static OrtApi* Open() => ((delegate* unmanaged<uint, OrtApi*>)OrtGetApiBase()->GetApi)(Version);

    private static long Number(nint pairs, byte* key)
    {
        byte* text = ((delegate* unmanaged<nint, byte*, byte*>)Table->GetKeyValue)(pairs, key);
        return text is null ? 0 : long.Parse(Marshal.PtrToStringUTF8((nint)text)!, CultureInfo.InvariantCulture);
    }

    private static void ThrowIfFailed(nint status)
    {
        if (status == 0)
        {
            return;
        }

        string message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged<nint, byte*>)Table->GetErrorMessage)(status)) ?? "";
        ((delegate* unmanaged<nint, void>)Table->ReleaseStatus)(status);
        throw new InvalidOperationException($"ONNX Runtime: {message}");
    }
}
