using System.Buffers.Binary;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Finds <c>output_tensors_are_unowned</c> in the compiler's pickled metadata by its bytes; the pickle itself is never
/// run.</summary>
internal static class UnownedFlag
{
    private static ReadOnlySpan<byte> Key => "output_tensors_are_unowned"u8;

    /// <summary>False where the metadata is empty or does not mention it.</summary>
    public static bool Find(ReadOnlySpan<byte> base64, string where)
    {
        if (base64.IsEmpty)
        {
            return false;
        }

        ReadOnlySpan<byte> pickle = PlanEncoding.FromBase64(base64, where, "the metadata is not base64");
        for (int start = 0; ; start += Key.Length)
        {
            int found = pickle[start..].IndexOf(Key);
            if (found < 0)
            {
                return false;
            }

            start += found;
            if (IsText(pickle, start))
            {
                return Value(pickle[(start + Key.Length)..], where);
            }
        }
    }

    /// <summary>BINUNICODE or SHORT_BINUNICODE of exactly the key's length stands before it.</summary>
    private static bool IsText(ReadOnlySpan<byte> pickle, int key) =>
        (key >= 5 && pickle[key - 5] == (byte)'X' && BinaryPrimitives.ReadUInt32LittleEndian(pickle[(key - 4)..]) == Key.Length)
        || (key >= 2 && pickle[key - 2] == 0x8C && pickle[key - 1] == Key.Length);

    private static bool Value(ReadOnlySpan<byte> rest, string where)
    {
        int memo = rest.IsEmpty
            ? 0
            : rest[0] switch
            {
                (byte)'q' => 2,
                (byte)'r' => 5,
                0x94 => 1,
                _ => 0,
            };
        return memo < rest.Length
            ? rest[memo] switch
            {
                0x88 => true,
                0x89 => false,
                byte other => throw ArtifactException.Corrupt(
                    where,
                    $"the metadata's output_tensors_are_unowned is neither true nor false but opcode 0x{other:X2}"
                ),
            }
            : throw ArtifactException.Truncated(where, "the metadata ends where the value of output_tensors_are_unowned should stand");
    }
}
