using System.Text;
using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>A configuration as it was written, and where in it something stands.</summary>
/// <param name="Path">What to call it in errors: the file's path.</param>
internal readonly record struct ConfigurationText(string Path, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>A configuration is small text; more is refused before it is read.</summary>
    public const int MaxBytes = 1 << 20;

    private static ReadOnlySpan<byte> ByteOrderMark => [0xEF, 0xBB, 0xBF];

    /// <summary>Where the text begins: behind a byte order mark.</summary>
    public int Start => Bytes.Span.StartsWith(ByteOrderMark) ? ByteOrderMark.Length : 0;

    /// <summary>Line and column of a byte, as editors count them: from 1, a column for each character.</summary>
    public (int Line, int Column) Place(int offset)
    {
        ReadOnlySpan<byte> before = Bytes.Span[Math.Min(Start, offset)..offset];
        int line = before.LastIndexOf((byte)'\n') + 1;
        return (before.Count((byte)'\n') + 1, Encoding.UTF8.GetCharCount(before[line..]) + 1);
    }

    /// <summary>What is wrong at a byte; <paramref name="problem"/> ends with the fix.</summary>
    public ModuleLoadException Fault(int offset, string problem)
    {
        (int line, int column) = Place(offset);
        return new ModuleLoadException(FailureKind.InvalidModel, $"'{Path}', line {line}, column {column}: {problem}");
    }

    /// <inheritdoc cref="Shown(ReadOnlySpan{byte})"/>
    public static string Shown(string piece) => Shown(Encoding.UTF8.GetBytes(piece));

    /// <summary>A piece of it for an error: one line, not long.</summary>
    public static string Shown(ReadOnlySpan<byte> piece)
    {
        const int Longest = 40;
        string text = Encoding.UTF8.GetString(piece[..Math.Min(piece.Length, Longest)]);
        string line = string.Concat(text.Select(one => char.IsControl(one) ? ' ' : one));
        return piece.Length > Longest ? line + "…" : line;
    }
}
