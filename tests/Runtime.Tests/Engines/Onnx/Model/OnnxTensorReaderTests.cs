using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines.Onnx.Model;

namespace Troupe.Runtime.Tests.Engines.Onnx.Model;

/// <summary>Values of a tensor in an ONNX file, in each form that the format has for them.</summary>
public sealed class OnnxTensorReaderTests
{
    [Theory]
    [InlineData("08 02 10 01 42 01 77 4A 08 00 00 80 3F 00 00 00 40", ElementType.Fp32, "0000803F00000040")]
    [InlineData("0A 01 02 10 01 42 01 77 22 08 00 00 80 3F 00 00 00 40", ElementType.Fp32, "0000803F00000040")]
    [InlineData("08 02 10 01 42 01 77 25 00 00 80 3F 25 00 00 00 40", ElementType.Fp32, "0000803F00000040")]
    [InlineData("08 02 10 07 42 01 77 3A 03 05 AC 02", ElementType.Int64, "05000000000000002C01000000000000")]
    [InlineData("08 02 10 07 42 01 77 38 05 38 AC 02", ElementType.Int64, "05000000000000002C01000000000000")]
    [InlineData("08 02 10 03 42 01 77 2A 0B FE FF FF FF FF FF FF FF FF 01 07", ElementType.Int8, "FE07")]
    [InlineData("10 09 42 01 77 2A 01 01", ElementType.Bool, "01")]
    [InlineData("08 02 10 08 42 01 77 32 01 61 32 02 62 63", ElementType.Bytes, "0100000061020000006263")]
    public void Values_are_read_in_every_form(string tensor, ElementType type, string bytes)
    {
        Tensor read = Assert.IsType<Tensor>(Read(tensor));
        Assert.Equal(("w", type), (read.Name, read.Type));
        Assert.Equal(bytes, Convert.ToHexString(read.Data.Span));
    }

    [Theory]
    [InlineData("08 03 10 08 42 01 77 32 01 61 32 01 62")]
    [InlineData("08 03 10 01 42 01 77 4A 04 00 00 80 3F")]
    [InlineData("08 FF FF FF FF FF FF FF FF FF 01 10 01 42 01 77")]
    [InlineData("42 01 77")]
    [InlineData("")]
    public void What_does_not_fill_its_shape_is_none(string tensor) => Assert.Null(Read(tensor));

    private static Tensor? Read(string hex) => OnnxTensorReader.Read(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));
}
