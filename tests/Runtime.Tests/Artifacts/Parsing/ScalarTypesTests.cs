using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Tests.Artifacts.Parsing;

public sealed class ScalarTypesTests
{
    [Theory]
    [InlineData("float32", ElementType.Fp32)]
    [InlineData("torch.float16", ElementType.Fp16)]
    [InlineData("torch.bfloat16", ElementType.Bf16)]
    [InlineData("int64", ElementType.Int64)]
    [InlineData("torch.float8_e4m3fn", ElementType.Fp8)]
    public void A_name_of_PyTorch_is_an_element_type(string name, ElementType expected)
    {
        Assert.True(ScalarTypes.TryParse(name, out ElementType type));
        Assert.Equal(expected, type);
    }

    [Theory]
    [InlineData("complex64")]
    [InlineData("torch.")]
    [InlineData("torch.torch.float32")]
    [InlineData("Float32")]
    public void Another_name_is_none(string name) => Assert.False(ScalarTypes.TryParse(name, out _));

    [Theory]
    [InlineData(7, ElementType.Fp32)]
    [InlineData(5, ElementType.Int64)]
    [InlineData(13, ElementType.Bf16)]
    public void A_number_of_the_schema_is_an_element_type(int number, ElementType expected) =>
        Assert.Equal(expected, ScalarTypes.Of(number));

    [Theory]
    [InlineData(0)]
    [InlineData(9)]
    [InlineData(-1)]
    public void Another_number_is_none(int number) => Assert.Null(ScalarTypes.Of(number));
}
