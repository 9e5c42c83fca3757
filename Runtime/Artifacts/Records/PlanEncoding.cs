using System.Buffers;
using System.Buffers.Text;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Turns the engine field of a record into a plan. Plans begin <c>ftrt</c>; what does not is base64.</summary>
internal static class PlanEncoding
{
    public static ReadOnlySpan<byte> PlanMagic => "ftrt"u8;

    public static ReadOnlyMemory<byte> Decode(ReadOnlyMemory<byte> field, string where) =>
        field.Span.StartsWith(PlanMagic) ? field : FromBase64(field.Span, where, "the engine neither begins 'ftrt' nor is base64");

    /// <summary>Strict: no white space, padding where it belongs.</summary>
    public static byte[] FromBase64(ReadOnlySpan<byte> text, string where, string complaint)
    {
        if (text.Length % 4 != 0)
        {
            throw ArtifactException.Corrupt(where, $"{complaint}: its length of {text.Length} is no multiple of 4");
        }

        if (text.ContainsAny((byte)' ', (byte)'\n', (byte)'\r') || text.Contains((byte)'\t'))
        {
            throw ArtifactException.Corrupt(where, $"{complaint}: it holds white space");
        }

        int padding =
            text.EndsWith("=="u8) ? 2
            : text.EndsWith("="u8) ? 1
            : 0;
        byte[] plain = GC.AllocateUninitializedArray<byte>(text.Length / 4 * 3 - padding);
        OperationStatus status = Base64.DecodeFromUtf8(text, plain, out int read, out int written);
        return status == OperationStatus.Done && written == plain.Length
            ? plain
            : throw ArtifactException.Corrupt(where, $"{complaint}: the letter at {read} or after it is foreign");
    }

    public static byte[] ToBase64(ReadOnlySpan<byte> plain)
    {
        byte[] text = GC.AllocateUninitializedArray<byte>(Base64.GetMaxEncodedToUtf8Length(plain.Length));
        _ = Base64.EncodeToUtf8(plain, text, out _, out _);
        return text;
    }
}
