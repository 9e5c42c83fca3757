using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>The bytes of one message of every type, as a released node writes them. A change here breaks the nodes in service.</summary>
public sealed class GoldenBytesTests
{
    /// <summary>Manifest, type and bytes of each golden message.</summary>
    private static readonly Dictionary<string, (string Manifest, byte[] Bytes)> Golden = File.ReadLines(
            Path.Combine(AppContext.BaseDirectory, "Wire", "golden.txt")
        )
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split(' '))
        .ToDictionary(parts => parts[1], parts => (parts[0], Convert.FromHexString(parts[2])));

    public static TheoryData<string> Types => [.. WireFormat.MessageTypes.Select(Name), .. Sample.WithLaterFields.Keys];

    [Theory, MemberData(nameof(Types))]
    public void Every_message_is_written_and_read_as_its_golden_bytes(string name)
    {
        object sample = Find(name);
        string line = $"{WireFormat.Manifest(sample)} {name} {Convert.ToHexStringLower(WireFormat.Serialize(sample))}";
        Assert.True(Golden.TryGetValue(name, out (string Manifest, byte[] Bytes) golden), $"golden.txt lacks the line: {line}");

        Assert.Equal($"{golden.Manifest} {name} {Convert.ToHexStringLower(golden.Bytes)}", line);
        Assert.Equal(MessageText.Of(sample), MessageText.Of(WireFormat.Deserialize(golden.Manifest, golden.Bytes)));
    }

    [Fact]
    public void Every_manifest_has_golden_bytes_and_every_golden_line_a_message()
    {
        Assert.Equal(WireFormat.Manifests.Order(), Golden.Values.Select(golden => golden.Manifest).Distinct().Order());
        Assert.Equal(WireFormat.MessageTypes.Select(Name).Concat(Sample.WithLaterFields.Keys).Order(), Golden.Keys.Order());
    }

    /// <summary>Of each message the line with the most fields.</summary>
    public static TheoryData<string> Newest =>
        [.. Golden.Keys.Where(name => !Golden.Keys.Any(other => other.StartsWith($"{name}+", StringComparison.Ordinal)))];

    [Theory, MemberData(nameof(Newest))]
    public void A_field_from_a_later_version_is_skipped(string name)
    {
        object sample = Find(name);
        byte[] later = WithFieldAppended(Golden[name].Bytes);

        object read = WireFormat.Deserialize(Golden[name].Manifest, later);

        Assert.Equal(MessageText.Of(sample), MessageText.Of(read));
    }

    internal static IEnumerable<(string Manifest, byte[] Bytes)> All => Golden.Values;

    /// <summary>The message with one more field, which holds a map with a list in it. Families are a pair of kind and message.</summary>
    private static byte[] WithFieldAppended(byte[] bytes)
    {
        bool family = bytes[0] == 0x92 && bytes[1] <= 0x7f && (bytes[2] & 0xf0) == 0x90;
        byte[] copy = [.. bytes, 0x81, 0xa1, (byte)'k', 0x92, 0xc3, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0];
        copy[family ? 2 : 0]++;
        return copy;
    }

    private static object Find(string name) =>
        Sample.WithLaterFields.TryGetValue(name, out object? later) ? later : Sample.All.Single(message => Name(message.GetType()) == name);

    private static string Name(Type type) => type.IsNested ? $"{type.DeclaringType!.Name}.{type.Name}" : type.Name;
}
