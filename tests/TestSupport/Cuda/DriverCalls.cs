using System.Globalization;

namespace Troupe.TestSupport.Cuda;

/// <summary>The calls of a piece of work and what they copied.</summary>
/// <remarks><b>Thread</b> one at a time.</remarks>
internal sealed class DriverCalls
{
    private readonly SortedDictionary<string, int> _calls = new(StringComparer.Ordinal);
    private readonly List<(CopyKind Kind, ulong Bytes)> _copies = [];

    public int Count => _calls.Values.Sum();

    public IReadOnlyList<(CopyKind Kind, ulong Bytes)> Copies => _copies;

    /// <summary>Sizes of the page-locked memory that was allocated, in their order.</summary>
    public List<ulong> Pinned { get; } = [];

    public int Of(string call) => _calls.GetValueOrDefault(call);

    /// <summary>The copies of one kind, in their order.</summary>
    public ulong[] Copied(CopyKind kind) => [.. _copies.Where(copy => copy.Kind == kind).Select(copy => copy.Bytes)];

    public void Add(string call) => _calls[call] = Of(call) + 1;

    public void Add(string call, CopyKind kind, ulong bytes)
    {
        Add(call);
        _copies.Add((kind, bytes));
    }

    /// <summary>Three lines: how many calls, which, and each copy with its bytes.</summary>
    public override string ToString() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
              {Count} calls
              copied: {Described()}
              {string.Join(", ", _calls.Select(call => $"{call.Key} {call.Value}"))}
            """
        );

    private string Described() =>
        _copies.Count == 0
            ? "nothing"
            : string.Join(
                ", ",
                _copies
                    .GroupBy(copy => copy)
                    .Select(group => (group.Key, Times: group.Count()))
                    .Select(copy => (copy.Times > 1 ? $"{copy.Times} x " : "") + $"{Name(copy.Key.Kind)} {copy.Key.Bytes}")
            );

    private static string Name(CopyKind kind) =>
        kind switch
        {
            CopyKind.ToDevice => "h2d",
            CopyKind.ToHost => "d2h",
            CopyKind.OnDevice => "d2d",
            CopyKind.Peer => "peer",
        };
}
