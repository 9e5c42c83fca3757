using System.Diagnostics;
using CsCheck;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Bytes from a stranger: whatever they are, they become a valid message or a <see cref="WireException"/>, in time and memory
/// bounded by their number.</summary>
public sealed class MutationTests(ITestOutputHelper output)
{
    private const int Mutations = 100_000;

    /// <summary>A list entry of one byte can become an object of this size.</summary>
    private const long BytesPerInputByte = 64;

    /// <summary>Room for an exception with its texts.</summary>
    private const long Constant = 16 * 1024;

    [Fact]
    public void Mutated_messages_are_valid_or_refused_in_bounded_time_and_memory()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        Random random = new(seed);
        List<(string Manifest, byte[] Bytes)> corpus = Corpus();
        Warm(corpus);

        int refused = 0,
            valid = 0;
        long worst = 0;
        Stopwatch all = Stopwatch.StartNew();
        TimeSpan slowest = TimeSpan.Zero;
        for (int i = 0; i < Mutations; i++)
        {
            (string manifest, byte[] original) = corpus[random.Next(corpus.Count)];
            byte[] mutated = Mutate(original, corpus, random);
            if (random.Next(20) == 0)
            {
                manifest = corpus[random.Next(corpus.Count)].Manifest;
            }

            object? message = null;
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            try
            {
                message = WireFormat.Deserialize(manifest, mutated);
                valid++;
            }
            catch (WireException)
            {
                refused++;
            }
            catch (Exception other)
            {
                Assert.Fail(
                    $"seed {seed}, mutation {i}: {other.GetType().Name} escaped for '{manifest}' {Convert.ToHexString(mutated)}: {other}"
                );
            }

            TimeSpan took = Stopwatch.GetElapsedTime(start);
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            slowest = took > slowest ? took : slowest;
            worst = Math.Max(worst, allocated);
            Assert.True(
                allocated <= (BytesPerInputByte * mutated.Length) + Constant,
                $"seed {seed}, mutation {i}: {allocated} bytes allocated for {mutated.Length} bytes of '{manifest}'"
            );
            if (message is not null && i % 8 == 0)
            {
                // Valid means that it may travel on.
                byte[] again = WireFormat.Serialize(message);
                Assert.Equal(MessageText.Of(message), MessageText.Of(WireFormat.Deserialize(manifest, again)));
            }
        }

        output.WriteLine(
            $"{valid} valid, {refused} refused, at most {worst} bytes and {slowest.TotalMilliseconds:F1} ms each, {all.Elapsed.TotalSeconds:F1} s in all"
        );
        Assert.True(refused > Mutations / 4 && valid > Mutations / 100, "The mutations are one-sided: they test little.");
        Assert.True(slowest < TimeSpan.FromSeconds(2), $"One message took {slowest}.");
    }

    private static List<(string Manifest, byte[] Bytes)> Corpus()
    {
        List<(string, byte[])> corpus = [.. GoldenBytesTests.All];
        foreach (object message in MessageGen.Message.Array[200].Single())
        {
            corpus.Add((WireFormat.Manifest(message), WireFormat.Serialize(message)));
        }

        return corpus;
    }

    private static void Warm(List<(string Manifest, byte[] Bytes)> corpus)
    {
        foreach ((string manifest, byte[] bytes) in corpus)
        {
            WireFormat.Deserialize(manifest, bytes);
            try
            {
                WireFormat.Deserialize(manifest, bytes.AsMemory(0, bytes.Length - 1));
            }
            catch (WireException)
            {
                // Only to have the way of an error compiled.
            }
        }
    }

    private static byte[] Mutate(byte[] original, List<(string Manifest, byte[] Bytes)> corpus, Random random)
    {
        switch (random.Next(8))
        {
            case 0:
                byte[] noise = new byte[random.Next(300)];
                random.NextBytes(noise);
                return noise;
            case 1:
                return original[..random.Next(original.Length)];
            case 2:
                return Nested(random);
            case 3:
                byte[] other = corpus[random.Next(corpus.Count)].Bytes;
                return [.. original[..random.Next(original.Length)], .. other[random.Next(other.Length)..]];
            case 4:
                return Declare(original, random);
            default:
                byte[] flipped = [.. original];
                for (int count = random.Next(1, 5); count > 0; count--)
                {
                    flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
                }

                return flipped;
        }
    }

    /// <summary>Headers within headers, to a depth of up to 20,000.</summary>
    private static byte[] Nested(Random random)
    {
        byte[] nested = new byte[random.Next(1, random.Next(20) == 0 ? 20_000 : 200)];
        Array.Fill(nested, new byte[] { 0x91, 0x81, 0x92, 0xdc, 0x9f, 0xdd }[random.Next(6)]);
        return nested;
    }

    /// <summary>A header of huge declared size somewhere in the message.</summary>
    private static byte[] Declare(byte[] original, Random random)
    {
        byte[] header =
        [
            new byte[] { 0xc6, 0xdb, 0xdd, 0xdf, 0xc9, 0xc5, 0xda, 0xdc, 0xde }[random.Next(9)],
            (byte)random.Next(256),
            0xff,
            0xff,
            0xff,
        ];
        int at = random.Next(original.Length);
        return [.. original[..at], .. header, .. original[at..]];
    }
}
