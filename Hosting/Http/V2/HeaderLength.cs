namespace Troupe.Hosting.Http.V2;

/// <summary>Reads <c>Inference-Header-Content-Length</c> the way Triton does.</summary>
internal static class HeaderLength
{
    public const string Name = "Inference-Header-Content-Length";

    /// <summary>Bytes of JSON at the start of the body; 0 means a raw request: the whole body is the data of the single input.</summary>
    /// <param name="header">The header's value, null when it is absent; read as C's <c>atoi</c> does: leading digits count, anything else
    /// is 0.</param>
    public static int Read(string? header, int bodyLength)
    {
        if (header is null)
        {
            return bodyLength;
        }

        long value = Leading(header);
        return value >= 0 && value <= bodyLength
            ? (int)value
            : throw new ProtocolException($"inference header size should be in range (0, {bodyLength}), got: {value}", plainText: true);
    }

    private static long Leading(string header)
    {
        ReadOnlySpan<char> text = header.AsSpan().TrimStart();
        bool negative = text.StartsWith("-");
        text = negative || text.StartsWith("+") ? text[1..] : text;
        long value = 0;
        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit) || value > int.MaxValue)
            {
                break;
            }

            value = value * 10 + (digit - '0');
        }

        return negative ? -value : value;
    }
}
