using System.IO.Hashing;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines.Caches;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>The kernels an emulated TensorRT-RTX engine has for each profile and shapes it met: found in the runtime cache, else compiled
/// and added to it.</summary>
/// <remarks>
/// An emulated kernel is a digest of what it was compiled for, so that one of another engine or of damaged bytes is told apart and compiled
/// anew.
/// <b>Owns</b> nothing. <b>Thread</b> any. Allocates only for shapes not met before.
/// </remarks>
internal sealed class SpecializedKernels(string engine, RuntimeCache? cache)
{
    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _known = [];

    /// <summary>Kernels that were not in the cache.</summary>
    public int Compiled { get; private set; }

    /// <summary>Kernels the cache had.</summary>
    public int FoundInCache { get; private set; }

    public void Obtain(int profile, ReadOnlySpan<TensorShape> shapes)
    {
        ulong met = Hash(profile, shapes);
        lock (_lock)
        {
            if (!_known.Add(met))
            {
                return;
            }

            string key = $"{engine}/{profile}/{string.Join(';', shapes.ToArray())}";
            byte[] kernel = SHA256.HashData(Encoding.UTF8.GetBytes(key));
            if (cache?.Find(key)?.AsSpan().SequenceEqual(kernel) == true)
            {
                FoundInCache++;
                return;
            }

            Compiled++;
            cache?.Add(key, kernel);
        }
    }

    private static ulong Hash(int profile, ReadOnlySpan<TensorShape> shapes)
    {
        ulong hash = (uint)profile;
        foreach (ref readonly TensorShape shape in shapes)
        {
            hash = XxHash3.HashToUInt64(MemoryMarshal.AsBytes(shape.Span), (long)hash);
        }

        return hash;
    }
}
