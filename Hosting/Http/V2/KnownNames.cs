using System.Text;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Turns the names that every request repeats into strings that exist already: reading a request makes no string but the caller's
/// own.</summary>
internal static class KnownNames
{
    private static readonly string[][] Members = ByLength(
        "id",
        "inputs",
        "outputs",
        "parameters",
        "name",
        "shape",
        "datatype",
        "data",
        "binary_data",
        "binary_data_size",
        "binary_data_output",
        "classification",
        "timeout",
        "priority",
        "sequence_id",
        "sequence_start",
        "sequence_end",
        "shared_memory_region",
        "shared_memory_offset",
        "shared_memory_byte_size"
    );

    private static readonly string[][] Datatypes = ByLength([.. ElementTypes.All.Select(type => type.ProtocolName())]);

    public static string? Member(ReadOnlySpan<byte> utf8) => Find(Members, utf8);

    public static string? Datatype(ReadOnlySpan<byte> utf8) => Find(Datatypes, utf8);

    private static string? Find(string[][] byLength, ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length < byLength.Length)
        {
            foreach (string name in byLength[utf8.Length])
            {
                if (Ascii.Equals(utf8, name))
                {
                    return name;
                }
            }
        }

        return null;
    }

    private static string[][] ByLength(params string[] names)
    {
        string[][] table = new string[names.Max(name => name.Length) + 1][];
        for (int length = 0; length < table.Length; length++)
        {
            table[length] = [.. names.Where(name => name.Length == length)];
        }

        return table;
    }
}
