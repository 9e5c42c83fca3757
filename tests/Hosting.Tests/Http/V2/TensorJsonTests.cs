using System.Runtime.InteropServices;
using CsCheck;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary><see cref="TensorJsonWriter"/> and <see cref="TensorJsonReader"/> against each other and against the protocol.</summary>
public sealed class TensorJsonTests
{
    public static TheoryData<ElementType> WithJsonForm =>
        [
            ElementType.Bool,
            ElementType.UInt8,
            ElementType.UInt16,
            ElementType.UInt32,
            ElementType.UInt64,
            ElementType.Int8,
            ElementType.Int16,
            ElementType.Int32,
            ElementType.Int64,
            ElementType.Fp32,
            ElementType.Fp64,
            ElementType.Bytes,
        ];

    [Theory, MemberData(nameof(WithJsonForm))]
    public void What_is_written_is_read_back_to_the_same_bits(ElementType type) =>
        Gen.Select(Gen.Int[0, 20], Gen.Int)
            .Sample(
                (count, seed) =>
                {
                    Tensor tensor = new("t", type, new TensorShape(count), Data(type, count, new Random(seed)));
                    using ResponseBody json = new(TestMemory.Host);

                    TensorJsonWriter.Write(json, tensor);
                    JsonCursor cursor = new(json.Written.Span);
                    byte[] back = Taken(TensorJsonReader.Read(ref cursor, type, count, "t", TestMemory.Requests));
                    cursor.ExpectEnd();

                    Assert.Equal(Convert.ToHexString(tensor.Data.Span), Convert.ToHexString(back));
                },
                iter: 2_000
            );

    [Theory]
    [InlineData(ElementType.Fp16)]
    [InlineData(ElementType.Bf16)]
    [InlineData(ElementType.Fp8)]
    [InlineData(ElementType.Int4)]
    public void Types_without_a_json_form_are_refused_both_ways(ElementType type)
    {
        using ResponseBody json = new(TestMemory.Host);
        Assert.Throws<ProtocolException>(() =>
            TensorJsonWriter.Write(json, new Tensor("t", type, new TensorShape(2), new byte[type.ByteCount(2)]))
        );
        Assert.Throws<ProtocolException>(() => Read("[0,0]", type, 2));
    }

    [Theory]
    [InlineData("[-1]", ElementType.UInt8, "negative")]
    [InlineData("[1.0]", ElementType.Int32, "a fraction")]
    [InlineData("[1e3]", ElementType.Int32, "an exponent")]
    [InlineData("[true]", ElementType.Int32, "a boolean")]
    [InlineData("[\"1\"]", ElementType.Fp32, "a string")]
    [InlineData("[null]", ElementType.Fp32, "null")]
    [InlineData("[1,2]", ElementType.Fp32, "too many")]
    [InlineData("[]", ElementType.Fp32, "too few")]
    [InlineData("[9223372036854775808]", ElementType.Int64, "out of range")]
    [InlineData("[1", ElementType.Fp32, "no end")]
    [InlineData("[0]", ElementType.Bool, "a number")]
    [InlineData("[1]", ElementType.Bytes, "a number")]
    public void Elements_of_another_kind_are_refused(string json, ElementType type, string because) =>
        Assert.True(Record.Exception(() => Read(json, type, 1)) is ProtocolException, because);

    [Theory]
    [InlineData("[256]", ElementType.UInt8, "00")]
    [InlineData("[32768]", ElementType.Int16, "0080")]
    [InlineData("[2147483648]", ElementType.Int32, "00000080")]
    [InlineData("[[[1],[2]]]", ElementType.UInt8, "0102")]
    [InlineData("[1e39]", ElementType.Fp32, "0000807F")]
    [InlineData("[NaN]", ElementType.Fp32, "0000C0FF")]
    [InlineData("[-Infinity]", ElementType.Fp32, "000080FF")]
    public void Wrapping_nesting_and_bare_literals_are_as_triton_has_them(string json, ElementType type, string hex)
    {
        byte[] read = Read(json, type, hex.Length / 2 / (type.BitCount() / 8));
        if (json == "[NaN]")
        {
            Assert.True(float.IsNaN(MemoryMarshal.Read<float>(read)));
        }
        else
        {
            Assert.Equal(hex, Convert.ToHexString(read));
        }
    }

    private static byte[] Read(string json, ElementType type, long elements)
    {
        JsonCursor cursor = new(System.Text.Encoding.UTF8.GetBytes(json));
        return Taken(TensorJsonReader.Read(ref cursor, type, elements, "t", TestMemory.Requests));
    }

    /// <summary>The bytes of a payload, whose lease ends.</summary>
    private static byte[] Taken(TensorPayload payload)
    {
        byte[] bytes = payload.Bytes.ToArray();
        Assert.IsType<TensorPayload.Leased>(payload).Lease.Release();
        return bytes;
    }

    private static byte[] Data(ElementType type, int count, Random random)
    {
        if (type == ElementType.Bytes)
        {
            using MemoryStream strings = new();
            for (int i = 0; i < count; i++)
            {
                byte[] text = new byte[random.Next(12)];
                random.NextBytes(text);
                strings.Write(BitConverter.GetBytes(text.Length));
                strings.Write(text);
            }

            return strings.ToArray();
        }

        byte[] data = new byte[type.ByteCount(count)];
        random.NextBytes(data);
        switch (type)
        {
            case ElementType.Bool:
                for (int i = 0; i < data.Length; i++)
                {
                    data[i] &= 1;
                }

                break;
            case ElementType.Fp32:
                Canonical(MemoryMarshal.Cast<byte, float>(data.AsSpan()));
                break;
            case ElementType.Fp64:
                Canonical(MemoryMarshal.Cast<byte, double>(data.AsSpan()));
                break;
        }

        return data;
    }

    /// <summary>JSON knows one NaN only.</summary>
    private static void Canonical<T>(Span<T> values)
        where T : struct, System.Numerics.IFloatingPointIeee754<T>
    {
        foreach (ref T value in values)
        {
            value = T.IsNaN(value) ? T.NaN : value;
        }
    }
}
