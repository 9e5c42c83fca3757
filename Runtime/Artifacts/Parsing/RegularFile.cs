using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>Opens files to read them, and nothing that is no file: a pipe would be waited for until somebody writes to it.</summary>
/// <remarks>Bound by <c>LibraryImport</c>. <b>Thread</b> any. <b>Blocks</b> on the disk only.</remarks>
internal static partial class RegularFile
{
    private const int NoSuchFile = 2;
    private const int NoSuchDevice = 6;
    private const int NotPermitted = 13;
    private const int NoFolder = 20;

    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be read.</exception>
    /// <exception cref="IOException">It is a pipe, a socket or a device, or cannot be read.</exception>
    public static SafeFileHandle Open(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            return File.OpenHandle(path);
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw new FileNotFoundException($"The path holds a NUL character: {path.Replace('\0', '?')}");
        }

        var handle = new SafeFileHandle(OpenDescriptor(path, Flags), ownsHandle: true);
        if (handle.IsInvalid)
        {
            throw Refusal(path, Marshal.GetLastPInvokeError());
        }

        try
        {
            // Only what has a position has a length; devices that have one are empty, and refused as such.
            RandomAccess.GetLength(handle);
            return handle;
        }
        catch (NotSupportedException)
        {
            handle.Dispose();
            throw NotRegular();
        }
    }

    /// <summary>Read-only, without waiting for a writer, becoming no terminal, closed in child processes.</summary>
    private static int Flags => OperatingSystem.IsMacOS() ? 0x4 | 0x20000 | 0x1000000 : 0x800 | 0x100 | 0x80000;

    private static Exception Refusal(string path, int error) =>
        error switch
        {
            NoSuchFile or NoFolder => new FileNotFoundException($"There is no file '{path}'.", path),
            NotPermitted => new UnauthorizedAccessException($"Access to '{path}' is denied."),
            NoSuchDevice => NotRegular(),
            _ => new IOException(Marshal.GetPInvokeErrorMessage(error)),
        };

    private static IOException NotRegular() => new("it is no regular file but a pipe, a socket or a device; name a file.");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenDescriptor(string path, int flags);
}
