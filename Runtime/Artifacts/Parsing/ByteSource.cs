using Microsoft.Win32.SafeHandles;

namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>Random access to an artifact's bytes, so that an archive on disk is not read whole to look into it.</summary>
internal abstract class ByteSource
{
    public abstract long Length { get; }

    /// <summary>A block; it lies within the source by the caller's own check.</summary>
    public abstract ReadOnlyMemory<byte> Read(long offset, int count);

    public sealed class Memory(ReadOnlyMemory<byte> bytes) : ByteSource
    {
        public override long Length => bytes.Length;

        public override ReadOnlyMemory<byte> Read(long offset, int count) => bytes.Slice((int)offset, count);
    }

    /// <remarks><b>Owns</b> nothing: the handle is its opener's.</remarks>
    public sealed class File(SafeFileHandle handle, string where) : ByteSource
    {
        public override long Length { get; } = RandomAccess.GetLength(handle);

        public override ReadOnlyMemory<byte> Read(long offset, int count)
        {
            byte[] block = GC.AllocateUninitializedArray<byte>(count);
            for (int done = 0; done < count; )
            {
                int read = RandomAccess.Read(handle, block.AsSpan(done), offset + done);
                done +=
                    read > 0 ? read : throw ArtifactException.Truncated(where, $"the file ended at byte {offset + done} while it was read");
            }

            return block;
        }
    }
}
