using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Tensors;

public sealed class ElementTypesTests
{
    [Theory]
    [InlineData(ElementType.Bool, "BOOL", 1, 8)]
    [InlineData(ElementType.UInt8, "UINT8", 2, 8)]
    [InlineData(ElementType.UInt16, "UINT16", 3, 16)]
    [InlineData(ElementType.UInt32, "UINT32", 4, 32)]
    [InlineData(ElementType.UInt64, "UINT64", 5, 64)]
    [InlineData(ElementType.Int8, "INT8", 6, 8)]
    [InlineData(ElementType.Int16, "INT16", 7, 16)]
    [InlineData(ElementType.Int32, "INT32", 8, 32)]
    [InlineData(ElementType.Int64, "INT64", 9, 64)]
    [InlineData(ElementType.Fp16, "FP16", 10, 16)]
    [InlineData(ElementType.Bf16, "BF16", 11, 16)]
    [InlineData(ElementType.Fp32, "FP32", 12, 32)]
    [InlineData(ElementType.Fp64, "FP64", 13, 64)]
    [InlineData(ElementType.Bytes, "BYTES", 14, 0)]
    [InlineData(ElementType.Fp8, "FP8", 15, 8)]
    [InlineData(ElementType.Int4, "INT4", 16, 4)]
    public void Name_number_and_size_are_these(ElementType type, string name, int number, int bits)
    {
        Assert.Equal((name, number, bits), (type.ProtocolName(), (int)type, type.BitCount()));
        Assert.True(ElementTypes.TryParse(name, out ElementType parsed));
        Assert.Equal(type, parsed);
    }

    [Fact]
    public void The_table_above_is_whole() => Assert.Equal(16, ElementTypes.All.Count);

    [Theory]
    [InlineData("int32")]
    [InlineData("INT33")]
    [InlineData("STRING")]
    [InlineData("")]
    public void Other_names_are_refused(string name) => Assert.False(ElementTypes.TryParse(name, out _));

    [Theory]
    [InlineData(ElementType.Int4, 3, 2)]
    [InlineData(ElementType.Int4, 0, 0)]
    [InlineData(ElementType.Fp32, 5, 20)]
    [InlineData(ElementType.Bool, 5, 5)]
    public void Packed_types_are_rounded_up_to_bytes(ElementType type, long elements, long bytes)
    {
        Assert.Equal(bytes, type.ByteCount(elements));
        Assert.True(type.TryGetByteCount(new TensorShape(elements), out long counted));
        Assert.Equal(bytes, counted);
    }

    [Fact]
    public void Sizes_that_do_not_fit_are_refused()
    {
        Assert.False(ElementType.Fp64.TryGetByteCount(new TensorShape(1L << 61), out _));
        Assert.False(ElementType.Bytes.TryGetByteCount(new TensorShape(1), out _));
        Assert.False(((ElementType)77).TryGetByteCount(new TensorShape(1), out _));
        Assert.Throws<ArgumentException>(() => ElementType.Bytes.ByteCount(1));
    }
}
