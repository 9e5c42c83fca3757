using System.Text;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>What the calls of <c>model_warmup</c> take of the host's memory: one call at a time, and no more than is allowed.</summary>
public sealed class WarmupRequestsTests
{
    private static readonly TensorSpec[] Numbers =
    [
        new("x", ElementType.Fp32, new TensorShape(-1, -1)),
        new("z", ElementType.Fp32, new TensorShape(-1, -1)),
    ];

    private static readonly TensorSpec[] Texts =
    [
        new("x", ElementType.Bytes, new TensorShape(-1, -1)),
        new("z", ElementType.Bytes, new TensorShape(-1, -1)),
    ];

    [Fact]
    public void A_call_is_made_when_it_is_asked_for_and_its_file_read_then()
    {
        var read = new List<string>();
        string one = "model_warmup { inputs { key: 'x' value { dims: 1 input_data_file: 'NAME' } } }";
        ModelConfig config = Config(
            one.Replace("NAME", "a", StringComparison.Ordinal) + one.Replace("NAME", "b", StringComparison.Ordinal)
        );
        using IEnumerator<WarmupRequest> requests = WarmupRequests
            .Of(
                config,
                Numbers[..1],
                (file, count, _) =>
                {
                    read.Add(file);
                    return new byte[count];
                }
            )
            .GetEnumerator();
        Assert.Empty(read);
        Assert.True(requests.MoveNext());
        Assert.Equal(["a"], read);
        Assert.True(requests.MoveNext());
        Assert.Equal(["a", "b"], read);
        Assert.False(requests.MoveNext());
    }

    [Theory]
    [InlineData("dims: 67108864", "dims: 67108865", 4, "takes 2147483664 bytes with all its inputs; a call has at most 1073741824. Make")]
    [InlineData("dims: 1", "dims: 268435457", 1, "takes 1073741832 bytes with all its inputs")]
    [InlineData("dims: 1", "dims: 1073741824", 4, "gives 'z' more than 1073741824 bytes. Make dims or batch_size smaller.")]
    public void All_inputs_with_their_batch_count_before_one_is_made(string x, string z, int batch, string problem)
    {
        string zeros = "data_type: TYPE_FP32 zero_data: true";
        ModelConfig config = Config(
            $"model_warmup {{ name: 'w' batch_size: {batch} inputs {{ key: 'x' value {{ {x} {zeros} }} }} inputs {{ key: 'z' value {{ {z} {zeros} }} }} }}"
        );
        long before = GC.GetAllocatedBytesForCurrentThread();
        ModuleLoadException refused = Refused(() => Assert.Single(WarmupRequests.Of(config, Numbers, (_, _, _) => default)));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
        Assert.Contains($"model_warmup 'w' of model 'm' {problem}", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1073741820)]
    [InlineData(4, 268435452)]
    public void A_file_of_texts_may_be_as_long_as_is_left_for_each_of_its_batch(int batch, long most)
    {
        ModelConfig config = Config(
            $"model_warmup {{ batch_size: {batch} inputs {{ key: 'x' value {{ dims: 1 input_data_file: 'x.bin' }} }} inputs {{ key: 'z' value {{ dims: 1 zero_data: true }} }} }}"
        );
        (long, bool) asked = default;
        ReadOnlyMemory<byte> Read(string file, long count, bool isWhole)
        {
            asked = (count, isWhole);
            return "\0\0\0\0"u8.ToArray();
        }

        Assert.Single(WarmupRequests.Of(config, Texts, Read));
        Assert.Equal((most, true), asked);
    }

    [Fact]
    public void Texts_that_fit_are_given_once_for_each_of_the_batch()
    {
        byte[] cat = [3, 0, 0, 0, .. "cat"u8];
        ModelConfig config = Config(
            "model_warmup { batch_size: 2 inputs { key: 'x' value { dims: 1 input_data_file: 'x.bin' } } inputs { key: 'z' value { dims: 2 zero_data: true } } }"
        );
        WarmupRequest request = Assert.Single(WarmupRequests.Of(config, Texts, (_, _, _) => cat));
        Assert.Equal(["x", "z"], request.Inputs.Select(input => input.Name));
        Assert.Equal([.. cat, .. cat], request.Inputs[0].Data.ToArray());
        Assert.Equal(new byte[16], request.Inputs[1].Data.ToArray());
    }

    private static ModelConfig Config(string warmup) =>
        ConfigurationFile.Parse(
            new ConfigurationText("config.pbtxt", Encoding.UTF8.GetBytes($"name: 'm' max_batch_size: 4 {warmup}")),
            isJson: false
        );

    private static ModuleLoadException Refused(Action make)
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(make);
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        return refused;
    }
}
