using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Reads the fields of one engine record strictly, each error naming its field.</summary>
internal sealed class RecordFields
{
    private readonly IReadOnlyList<ReadOnlyMemory<byte>> _fields;
    private readonly string _where;

    public RecordFields(IReadOnlyList<ReadOnlyMemory<byte>> fields, string where)
    {
        _fields = fields;
        _where = where;
        if (fields.Count == 0)
        {
            throw Wrong($"the engine record is empty; ABI {RecordLayout.NewestAbi} has {RecordLayout.MostFields} fields");
        }

        string text = Text(RecordLayout.Abi, "");
        if (
            !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int abi)
            || abi is < RecordLayout.OldestAbi or > RecordLayout.NewestAbi
            || text != abi.ToString(CultureInfo.InvariantCulture)
        )
        {
            throw Wrong(
                $"the engine record is of ABI '{Shown.Of(text)}'; ABI {RecordLayout.OldestAbi} to {RecordLayout.NewestAbi} are read"
            );
        }

        if (fields.Count != RecordLayout.FieldCount(abi))
        {
            throw Wrong($"the engine record has {fields.Count} fields where ABI {abi} has {RecordLayout.FieldCount(abi)}");
        }

        Abi = abi;
    }

    public int Abi { get; }

    public string Where(int field) => $"{_where}, field {field} ({RecordLayout.FieldNames[field]})";

    /// <summary>A field as text, or the default where this ABI has no such field.</summary>
    public string Text(int field, string otherwise)
    {
        if (field >= _fields.Count)
        {
            return otherwise;
        }

        ReadOnlySpan<byte> bytes = _fields[field].Span;
        if (bytes.Length > ArtifactLimits.Default.MetadataBytes)
        {
            throw ArtifactException.TooLarge(Where(field), $"the field has {bytes.Length} bytes");
        }

        return Utf8.IsValid(bytes)
            ? Encoding.UTF8.GetString(bytes)
            : throw ArtifactException.Corrupt(Where(field), "the field is not UTF-8 text");
    }

    public ReadOnlyMemory<byte> Plan() => PlanEncoding.Decode(_fields[RecordLayout.Engine], Where(RecordLayout.Engine));

    /// <summary>Names joined by <c>%</c>; empty pieces are dropped, as the seed does.</summary>
    public string[] Names(int field)
    {
        string[] names = Text(field, "").Split('%', StringSplitOptions.RemoveEmptyEntries);
        return names.Distinct(StringComparer.Ordinal).Count() == names.Length
            ? names
            : throw ArtifactException.Corrupt(Where(field), "a name stands twice");
    }

    public bool Bit(int field) =>
        field < _fields.Count
        && Text(field, "0") switch
        {
            "0" => false,
            "1" => true,
            string other => throw ArtifactException.Corrupt(Where(field), $"the value '{Shown.Of(other)}' is neither 0 nor 1"),
        };

    /// <summary>Checked, and kept in its own spelling.</summary>
    public string? PlatformText()
    {
        if (RecordLayout.Platform >= _fields.Count)
        {
            return null;
        }

        string text = Text(RecordLayout.Platform, "");
        _ = TargetPlatforms.Parse(text, Where(RecordLayout.Platform));
        return text;
    }

    /// <param name="warnings">Told of what is read otherwise than it is written.</param>
    public AliasSpec[] Aliases(List<string> warnings) =>
        AliasText.Parse(Text(RecordLayout.AliasedIo, ""), Where(RecordLayout.AliasedIo), warnings);

    private ArtifactException Wrong(string what) =>
        new(ArtifactFault.WrongAbi, _where, what, "Save the model again with a torch_tensorrt release from 2.0 to 2.14.");
}
