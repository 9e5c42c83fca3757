using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Tensors;

public sealed class TensorValidationTests
{
    public static TheoryData<ElementType, long[], byte[], string?> Cases =>
        new()
        {
            { ElementType.Fp32, [2, 3], new byte[24], null },
            { ElementType.Fp32, [], new byte[4], null },
            { ElementType.Fp32, [0, 3], [], null },
            { ElementType.Int4, [3], new byte[2], null },
            { ElementType.Fp32, [2, 3], new byte[23], "FP32 [2,3] takes 24 bytes, its data has 23" },
            { ElementType.Fp32, [2, 3], new byte[25], "takes 24 bytes, its data has 25" },
            { ElementType.Fp32, [-1], new byte[4], "not concrete" },
            { ElementType.Fp32, [1L << 62, 4], new byte[4], "more elements than can be counted" },
            { ElementType.Fp64, [1L << 62], new byte[4], "takes more bytes" },
            { (ElementType)0, [1], new byte[4], "0 is no element type" },
            { ElementType.Bytes, [2], [1, 0, 0, 0, 9, 0, 0, 0, 0], null },
            { ElementType.Bytes, [0], [], null },
            { ElementType.Bytes, [1], [], "it has 0 strings, its shape asks for 1" },
            { ElementType.Bytes, [1], [1, 0, 0, 0, 9, 0, 0, 0, 0], "it has 2 strings" },
            { ElementType.Bytes, [1], [1, 0, 0], "length prefix of 3 bytes" },
            { ElementType.Bytes, [1], [100, 0, 0, 0, 1, 2], "string 0 has 100 bytes by its prefix, but only 2 are left" },
            { ElementType.Bytes, [1], [255, 255, 255, 255, 1, 2], "4294967295" },
        };

    [Theory, MemberData(nameof(Cases))]
    public void Data_fits_type_and_shape_or_the_reason_says_why(ElementType type, long[] shape, byte[] data, string? problem)
    {
        string? found = TensorValidation.Check(new Tensor("x", type, new TensorShape(shape), data));
        if (problem is null)
        {
            Assert.Null(found);
        }
        else
        {
            Assert.Contains(problem, found, StringComparison.Ordinal);
            Assert.StartsWith("tensor 'x': ", found, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(ElementType.UInt8)]
    [InlineData(ElementType.Bytes)]
    public void A_payload_that_counts_other_elements_than_its_shape_is_refused(ElementType type)
    {
        var payload = new TensorPayload.Inline(type == ElementType.Bytes ? new byte[8] : new byte[2], 3);
        Assert.Equal(
            "tensor 'x': its payload counts 3 elements, its shape [2] asks for 2",
            TensorValidation.Check(new Tensor("x", type, new TensorShape(2), payload))
        );
    }

    [Theory]
    [InlineData(2)]
    [InlineData(40)]
    public void Names_occur_once(int count)
    {
        Tensor[] tensors =
        [
            .. Enumerable.Range(0, count).Select(i => new Tensor($"t{i}", ElementType.UInt8, new TensorShape(1), new byte[1])),
        ];
        Assert.Null(TensorValidation.Check(tensors));

        tensors[^1] = tensors[0];
        Assert.Equal("tensor 't0' occurs twice", TensorValidation.Check(tensors));
    }

    [Fact]
    public void A_sound_tensor_costs_no_memory()
    {
        Tensor[] tensors =
        [
            new("x", ElementType.Fp32, new TensorShape(4), new byte[16]),
            new("s", ElementType.Bytes, new TensorShape(1), new byte[4]),
        ];
        Assert.Null(TensorValidation.Check(tensors));
        long before = GC.GetAllocatedBytesForCurrentThread();
        TensorValidation.Check(tensors);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
