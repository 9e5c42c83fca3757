using System.Globalization;
using System.Text;
using CsCheck;
using Troupe.Hosting.Http.V2;

namespace Troupe.Hosting.Tests.Http.V2;

public sealed class JsonNumberTests
{
    [Fact]
    public void The_fast_way_gives_the_bits_of_the_general_parser() =>
        Gen.Select(Gen.Long[0, 1L << 60], Gen.Int[0, 25], Gen.Bool)
            .Sample(
                (digits, fraction, negative) =>
                {
                    string text = digits.ToString(CultureInfo.InvariantCulture);
                    text =
                        fraction < text.Length
                            ? text.Insert(text.Length - fraction, fraction > 0 ? "." : "")
                            : "0." + new string('0', fraction - text.Length) + text;
                    text = (negative ? "-" : "") + text;
                    if (JsonNumber.TryExact(Encoding.ASCII.GetBytes(text), out double value))
                    {
                        Assert.Equal(
                            BitConverter.DoubleToInt64Bits(double.Parse(text, CultureInfo.InvariantCulture)),
                            BitConverter.DoubleToInt64Bits(value)
                        );
                    }
                },
                iter: 50_000
            );

    [Theory]
    [InlineData("0", true)]
    [InlineData("-0.0", true)]
    [InlineData("0.0117647", true)]
    [InlineData("9007199254740992", true)]
    [InlineData("9007199254740993", false)]
    [InlineData("1e3", false)]
    [InlineData("NaN", false)]
    [InlineData("-Infinity", false)]
    [InlineData("123456789012345678901234567890", false)]
    [InlineData("", false)]
    public void Only_what_is_exact_is_taken(string text, bool taken)
    {
        Assert.Equal(taken, JsonNumber.TryExact(Encoding.ASCII.GetBytes(text), out double value));
        if (taken)
        {
            Assert.Equal(double.Parse(text, CultureInfo.InvariantCulture), value);
        }
    }
}
