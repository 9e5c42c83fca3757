using System.Buffers.Binary;
using System.IO.Hashing;
using System.Runtime.InteropServices;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Routing;

/// <summary>What a forward asks: the version and a hash of its inputs, in whichever order they come. Two forwards of one content do the
/// same to whatever runs them.</summary>
internal readonly record struct ForwardContent(ModelVersion Model, ulong High, ulong Low)
{
    /// <summary>Reads every byte of the inputs: only for forwards that are suspect, or where some of their version are.</summary>
    public static ForwardContent Of(ModelVersion model, Tensor[] inputs)
    {
        UInt128 sum = 0;
        Span<byte> number = stackalloc byte[8];
        foreach (Tensor input in inputs)
        {
            var hash = new XxHash128();
            hash.Append(MemoryMarshal.AsBytes(input.Name.AsSpan()));
            Append(hash, number, (long)input.Type);
            for (int axis = 0; axis < input.Shape.Rank; axis++)
            {
                Append(hash, number, input.Shape[axis]);
            }

            hash.Append(input.Data.Span);
            sum += hash.GetCurrentHashAsUInt128();
        }

        return new ForwardContent(model, (ulong)(sum >> 64), (ulong)sum);
    }

    private static void Append(XxHash128 hash, Span<byte> number, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(number, value);
        hash.Append(number);
    }
}
