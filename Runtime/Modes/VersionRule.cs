using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Globalization;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>A <see cref="VersionChoice"/> as it is followed. Immutable.</summary>
public sealed class VersionRule
{
    /// <summary>Most versions that share forwards by weight.</summary>
    public const int MostWeights = 16;

    /// <summary>The heaviest a version can be.</summary>
    public const int MostWeight = 1_000_000;

    private readonly double _share;
    private readonly ImmutableArray<(int Number, int Weight)> _weights;

    private VersionRule(double share, ImmutableArray<(int Number, int Weight)> weights) => (_share, _weights) = (share, weights);

    /// <summary>Where nothing is said.</summary>
    public static VersionRule Default { get; } = new(1, []);

    /// <summary>How the mode is written, read and checked.</summary>
    internal static ModeForm<VersionChoice> Form { get; } =
        new(
            "newest, newest from a share of devices such as newest:50%, a number, or weights such as 1=90,2=10",
            new ModeSchema(["newest"], "string"),
            static text => Read(text)?.ToChoice(),
            static choice => Of(choice)?.ToString() ?? choice.Words!,
            static choice =>
                Of(choice) is null
                    ? new ModeRefusal(
                        FailureKind.InvalidRequest,
                        $"'{choice.Words}' says no version: it is newest, newest:50%, a number from 1, or at most {MostWeights} weights such as 1=90,2=10, not all 0."
                    )
                    : null
        );

    /// <summary>It takes one number or several, and no other.</summary>
    public bool NamesVersions => !_weights.IsEmpty;

    /// <summary>The rule that a choice names; null where it names none.</summary>
    public static VersionRule? Of(VersionChoice choice) => choice.Words is null ? Default : Read(choice.Words);

    /// <summary>The rule that a text names, in any spelling; null where it names none.</summary>
    public static VersionRule? Read(string text)
    {
        string words = text.Trim();
        int colon = words.IndexOf(':', StringComparison.Ordinal);
        if (ModeSpelling.AreSame(colon < 0 ? words : words[..colon].TrimEnd(), "newest"))
        {
            return colon < 0 ? Default
                : ReadShare(words[(colon + 1)..]) is { } share ? new VersionRule(share, [])
                : null;
        }

        string[] parts = words.Split([',', '+'], MostWeights + 1, StringSplitOptions.TrimEntries);
        var weights = new List<(int Number, int Weight)>(parts.Length);
        foreach (string part in parts)
        {
            int equals = part.IndexOf('=', StringComparison.Ordinal);
            string weight = equals < 0 ? "1" : part[(equals + 1)..];
            if (
                (equals < 0 && parts.Length > 1)
                || !TryCount(equals < 0 ? part : part[..equals], int.MaxValue, out int number)
                || number == 0
                || !TryCount(weight, MostWeight, out int heavy)
                || weights.Exists(known => known.Number == number)
            )
            {
                return null;
            }

            weights.Add((number, heavy));
        }

        return weights.Count <= MostWeights && weights.Exists(one => one.Weight > 0) ? new VersionRule(1, [.. weights]) : null;
    }

    /// <summary>The one spelling, which <see cref="Read"/> reads back.</summary>
    public override string ToString() =>
        _weights.IsEmpty
            ? _share == 1
                ? "newest"
                : VersionChoice.NewestFrom(_share).Words!
            : _weights.Length == 1
                ? _weights[0].Number.ToString(CultureInfo.InvariantCulture)
                : VersionChoice.Weighted(_weights.AsSpan()).Words!;

    /// <summary>The choice in its one spelling.</summary>
    public VersionChoice ToChoice() => new(ToString() is var words && words == "newest" ? null : words);

    /// <summary>The newest version, as far as it may take over: from the present one on each higher that is on enough devices.</summary>
    /// <param name="versions">By number, rising, with the devices that have each; none with no device.</param>
    /// <param name="present">The one that was the newest before; it stays so whatever becomes of its devices, as long as it has
    /// one.</param>
    public int? Newest(ReadOnlySpan<(int Number, int Devices)> versions, int? present)
    {
        (int Number, int Devices)? newest = null;
        foreach ((int Number, int Devices) version in versions)
        {
            if (version.Number == present || newest is not { } before || version.Devices >= _share * before.Devices)
            {
                newest = version;
            }
        }

        return newest?.Number;
    }

    /// <summary>The version for one forward.</summary>
    /// <param name="draw">The same for all forwards that shall take the same.</param>
    /// <param name="newest">As <see cref="Newest"/> has found it.</param>
    /// <param name="isHeld">Whether a device has a version; those that none has take no part, and where none of those named is had it is
    /// the first.</param>
    public int? Choose(uint draw, int? newest, Func<int, bool> isHeld)
    {
        if (_weights.IsEmpty)
        {
            return newest;
        }

        long sum = SumOf(isHeld);
        long place = (long)((ulong)draw * (ulong)sum >> 32);
        foreach ((int number, int weight) in _weights)
        {
            place -= isHeld(number) ? weight : 0;
            if (place < 0)
            {
                return number;
            }
        }

        return _weights[0].Number;
    }

    /// <summary>The share of a version, from 0 to 1, in the forwards that name none.</summary>
    public double ShareOf(int version, int? newest, Func<int, bool> isHeld)
    {
        if (_weights.IsEmpty)
        {
            return version == newest ? 1 : 0;
        }

        long sum = SumOf(isHeld);
        long own = 0;
        foreach ((int number, int weight) in _weights)
        {
            own += number == version && isHeld(number) ? weight : 0;
        }

        return sum == 0 ? 0 : (double)own / sum;
    }

    /// <summary>What a forward draws: those of one session the same on every node, so that a session keeps its version while the weights
    /// stand.</summary>
    public static uint Draw(SessionId? session, RequestId id)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, id.Counter);
        session?.Value.TryWriteBytes(bytes);
        ulong bits = BinaryPrimitives.ReadUInt64LittleEndian(bytes) ^ BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]);

        // The finalizer of SplitMix64: numbers that follow one another draw as if they did not.
        bits = (bits + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9;
        bits = (bits ^ (bits >> 30)) * 0x94D049BB133111EB;
        return (uint)(bits >> 32);
    }

    private long SumOf(Func<int, bool> isHeld)
    {
        long sum = 0;
        foreach ((int number, int weight) in _weights)
        {
            sum += isHeld(number) ? weight : 0;
        }

        return sum;
    }

    private static double? ReadShare(string text)
    {
        string word = text.Trim();
        return
            word.EndsWith('%')
            && double.TryParse(
                word.AsSpan(0, word.Length - 1),
                NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture,
                out double percent
            )
            && percent is > 0 and <= 100
            ? percent / 100
            : null;
    }

    private static bool TryCount(string text, int most, out int count) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count <= most;
}
