using System.Text;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>Configurations that were damaged in every way: each is read or refused as such, in memory that its length bounds.</summary>
public sealed class MutatedConfigurationTests
{
    private const int Cases = 25_000;

    private const string Text = """
        name: "m" platform: 'onnxruntime_onnx' max_batch_size: 0x8 # a comment
        input [ { name: "a" data_type: TYPE_FP32 dims: [ -1, 3 ] reshape: { shape: [ 3, -1 ] } }, < name: "b\n\x41\101" data_type: 9 > ]
        output { name: "y"; dims: 1, dims: 2; label_filename: "l" ".txt" }
        version_policy { specific { versions: [ 1, 3 ] } } instance_group { count: 2 kind: KIND_GPU gpus: [ 0 ] }
        dynamic_batching { preferred_batch_size: 4 default_queue_policy { timeout_action: DELAY max_queue_size: 64 } }
        parameters { key: "k" value { string_value: "v" } } metric_tags [ { key: "a" value: "b" } ]
        model_metrics { metric_control [ { histogram_options { buckets: [ .5, 1e3f, inf, nan ] } } ] }
        """;

    private const string Json = """
        {"name":"m","maxBatchSize":"8","input":[{"name":"a","data_type":"TYPE_FP32","dims":[-1,3],"reshape":{"shape":[]}}],
        "version_policy":{"latest":{"num_versions":1}},"parameters":{"k":{"string_value":"v\u00e4"}},"instance_group":[{"count":2}],
        "dynamic_batching":{"priority_queue_policy":{"1":{"timeout_action":"DELAY"}},"preserve_ordering":true},
        "model_metrics":{"metric_control":[{"histogram_options":{"buckets":[0.5,"Infinity"]}}]}}
        """;

    private static readonly string[] Pieces =
    [
        "{",
        "}",
        "[",
        "]",
        "<",
        ">",
        ":",
        ",",
        ";",
        "\"",
        "'",
        "\\",
        "#",
        "-",
        "\n",
        "0x",
        "1e",
        "99999999999999999999",
        "input",
        "all",
        "{}",
        "\0",
        "\ufeff",
        "null",
        "\\ud800",
        "dims: [",
        "input [ {",
        "\"a\":",
        "true",
        "[[",
        "name: 'x'",
    ];

    [Theory]
    [InlineData(Text, false)]
    [InlineData(Json, true)]
    public void Twenty_five_thousand_damaged_ones_are_read_or_refused_within_bounds(string whole, bool isJson)
    {
        byte[] original = Encoding.UTF8.GetBytes(whole);
        var random = new Random(20261128);
        int read = 0;
        for (int index = 0; index < Cases; index++)
        {
            byte[] damaged = Damage(original, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                ConfigurationFile.Parse(new ConfigurationText("/m/config", damaged), isJson);
                read++;
            }
            catch (ModuleLoadException refused)
            {
                Assert.StartsWith("'/m/config', line ", refused.Message, StringComparison.Ordinal);
            }

            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 200_000);
        }

        // Both happen: the damage is neither none nor total.
        Assert.InRange(read, Cases / 100, Cases - (Cases / 4));
    }

    [Theory]
    [InlineData("input{}", false)]
    [InlineData("input<dims:1>,", false)]
    [InlineData("metric_tags{key:'a'}", false)]
    [InlineData("name:'a'\"b\"", false)]
    [InlineData("#\n", false)]
    public void A_mebibyte_of_the_smallest_pieces_takes_memory_in_proportion(string piece, bool isJson)
    {
        byte[] text = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, ConfigurationText.MaxBytes / piece.Length)));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Exception? trouble = Record.Exception(() => ConfigurationFile.Parse(new ConfigurationText("/m/config", text), isJson));
        Assert.True(trouble is null or ModuleLoadException, $"{trouble}");
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100L * ConfigurationText.MaxBytes);
    }

    private static byte[] Damage(byte[] original, Random random)
    {
        List<byte> bytes = [.. original];
        for (int times = random.Next(1, 4); times > 0; times--)
        {
            int at = random.Next(bytes.Count + 1),
                length = Math.Min(random.Next(1, 40), bytes.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    bytes.RemoveRange(at, length);
                    break;
                case 1:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 2:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
                case 3 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 4 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 5 when random.Next(10) == 0:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
            }
        }

        return [.. bytes];
    }
}
