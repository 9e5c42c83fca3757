using System.Diagnostics;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts;

/// <summary>Whatever becomes of a file, reading it ends soon, takes little, and throws nothing but
/// <see cref="ArtifactException"/>.</summary>
public sealed class ArtifactMutationTests(ITestOutputHelper output)
{
    private const int Mutations = 20_000;
    private const long MostBytes = 64 << 20;
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);

    private static readonly string[] Hostile =
    [
        "..",
        "os\nsystem\n",
        "ftrt",
        "PK\u0003\u0004",
        "%",
        "@",
        "\"",
        "[[[[",
        "torch.ops.aten.add.default",
        "\\u0000",
        "\\ud800",
    ];

    [Fact]
    public void Twenty_thousand_mutations_end_in_a_spec_or_in_one_clear_error()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        byte[][] good = [.. Files()];
        int accepted = 0;
        var faults = new SortedDictionary<ArtifactFault, int>();
        for (int i = 0; i < Mutations; i++)
        {
            byte[] file = Mutate(good[random.Next(good.Length)], random);
            long bytes = GC.GetAllocatedBytesForCurrentThread();
            long started = Stopwatch.GetTimestamp();
            try
            {
                ArtifactSpec spec = ArtifactReader.Open(file, "mutant");
                Assert.NotEmpty(ArtifactDescription.Of(spec));
                accepted++;
            }
            catch (ArtifactException refusal)
            {
                faults[refusal.Fault] = faults.GetValueOrDefault(refusal.Fault) + 1;
                Assert.InRange(refusal.Message.Length, 20, 4000);
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, mutation {i}: {other}\n{Convert.ToBase64String(file)}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - bytes, 0, MostBytes);
            Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, Longest);
        }

        output.WriteLine($"{accepted} accepted; {string.Join(", ", faults.Select(fault => $"{fault.Key} {fault.Value}"))}");
        Assert.True(faults.Count >= 5, "the mutations reach too few kinds of trouble to mean anything");
        Assert.All(good, file => Assert.NotEmpty(ArtifactReader.Open(file, "good").Engines));
    }

    /// <summary>Below the checksums of the archive, where random bytes reach the pickles and the JSON.</summary>
    [Fact]
    public void Mutated_entries_of_a_sound_archive_end_the_same_way()
    {
        int seed = Environment.TickCount;
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var faults = new SortedDictionary<ArtifactFault, int>();
        for (int i = 0; i < Mutations / 4; i++)
        {
            void Change(Dictionary<string, byte[]> entries)
            {
                string name = entries.Keys.ElementAt(random.Next(entries.Count));
                entries[name] = Mutate(entries[name], random);
            }

            byte[] file = i % 2 == 0 ? SavedModels.ExportedProgram(Change) : SavedModels.TorchScript(change: Change);
            long bytes = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                Assert.NotEmpty(ArtifactDescription.Of(ArtifactReader.Open(file, "mutant")));
            }
            catch (ArtifactException refusal)
            {
                faults[refusal.Fault] = faults.GetValueOrDefault(refusal.Fault) + 1;
            }
            catch (Exception other) when (other is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}, mutation {i}: {other}\n{Convert.ToBase64String(file)}");
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - bytes, 0, MostBytes);
        }

        output.WriteLine(string.Join(", ", faults.Select(fault => $"{fault.Key} {fault.Value}")));
        Assert.Contains(ArtifactFault.ForbiddenPickle, faults.Keys);
        Assert.Contains(ArtifactFault.Corrupt, faults.Keys);
    }

    private static IEnumerable<byte[]> Files()
    {
        var plain = new ContainerMetadata { Bindings = [new("x", "float32", [1], true), new("y", "float32", [1], false)] };
        yield return RecordStrings.Plan();
        yield return ContainerFile.Write(plain, RecordStrings.Plan());
        yield return ContainerFile.Write(plain with { Aliases = [new AliasSpec("y", "x", AliasKind.User)] }, RecordStrings.Plan());
        yield return SavedModels.TorchScript();
        yield return SavedModels.ExportedProgram();
        yield return SavedModels.ExportedProgram(deflate: true);
    }

    private static byte[] Mutate(byte[] file, Random random)
    {
        var mutant = new List<byte>(file);
        for (int change = random.Next(1, 4); change > 0 && mutant.Count > 0; change--)
        {
            int at = random.Next(mutant.Count);
            switch (random.Next(6))
            {
                case 0:
                    mutant[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    mutant[at] = (byte)(random.Next(2) == 0 ? 0xFF : random.Next(256));
                    break;
                case 2:
                    mutant.RemoveRange(at, mutant.Count - at);
                    break;
                case 3:
                    mutant.RemoveRange(at, Math.Min(mutant.Count - at, random.Next(1, 9)));
                    break;
                case 4:
                    mutant.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(Hostile[random.Next(Hostile.Length)]));
                    break;
                default:
                    for (int i = at; i < Math.Min(at + 4, mutant.Count); i++)
                    {
                        mutant[i] = 0xFF;
                    }

                    break;
            }
        }

        return [.. mutant];
    }
}
