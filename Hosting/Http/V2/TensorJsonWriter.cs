using System.Globalization;
using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Turns a tensor's bytes into the <c>data</c> of its JSON.</summary>
/// <remarks>As Triton writes it: a flat array, non-finite floats as bare <c>NaN</c> and <c>Infinity</c>, an integral float with its decimal
/// point.</remarks>
internal static class TensorJsonWriter
{
    /// <summary>Writes a tensor's elements as a flat array.</summary>
    public static void Write(ResponseBody target, Tensor tensor)
    {
        if (!TensorJsonReader.HasJsonForm(tensor.Type))
        {
            throw new ProtocolException(
                $"sending {tensor.Type.ProtocolName()} data via JSON is not supported. Please use the binary data format for output '{tensor.Name}'",
                plainText: true
            );
        }

        ReadOnlySpan<byte> data = tensor.Data.Span;
        target.Write("["u8);
        switch (tensor.Type)
        {
            case ElementType.Bool:
                for (int i = 0; i < data.Length; i++)
                {
                    Separate(target, i);
                    target.Write(data[i] != 0 ? "true"u8 : "false"u8);
                }

                break;
            case ElementType.Fp32:
                WriteAll<float>(target, data, static (to, value) => WriteDouble(to, value));
                break;
            case ElementType.Fp64:
                WriteAll<double>(target, data, static (to, value) => WriteDouble(to, value));
                break;
            case ElementType.UInt8:
                WriteAll<byte>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.Int8:
                WriteAll<sbyte>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.UInt16:
                WriteAll<ushort>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.Int16:
                WriteAll<short>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.UInt32:
                WriteAll<uint>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.Int32:
                WriteAll<int>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.UInt64:
                WriteAll<ulong>(target, data, static (to, value) => WriteUnsigned(to, value));
                break;
            case ElementType.Int64:
                WriteAll<long>(target, data, static (to, value) => JsonText.WriteInteger(to, value));
                break;
            case ElementType.Bytes:
                WriteStrings(target, data);
                break;
            case ElementType.Fp16 or ElementType.Bf16 or ElementType.Fp8 or ElementType.Int4:
                break;
        }

        target.Write("]"u8);
    }

    private static void WriteAll<T>(ResponseBody target, ReadOnlySpan<byte> data, Action<ResponseBody, T> write)
        where T : unmanaged
    {
        int size = Marshal.SizeOf<T>();
        for (int i = 0; i * size < data.Length; i++)
        {
            Separate(target, i);
            write(target, MemoryMarshal.Read<T>(data[(i * size)..]));
        }
    }

    private static void WriteUnsigned(ResponseBody target, ulong value)
    {
        value.TryFormat(target.GetSpan(20), out int written, default, CultureInfo.InvariantCulture);
        target.Advance(written);
    }

    private static void WriteDouble(ResponseBody target, double value)
    {
        if (!double.IsFinite(value))
        {
            target.Write(
                double.IsNaN(value) ? "NaN"u8
                : value > 0 ? "Infinity"u8
                : "-Infinity"u8
            );
            return;
        }

        Span<byte> text = target.GetSpan(32);
        value.TryFormat(text, out int written, "R", CultureInfo.InvariantCulture);

        // An integral value keeps its decimal point, so that typed readers see a float.
        if (!text[..written].ContainsAny((byte)'.', (byte)'E'))
        {
            ".0"u8.CopyTo(text[written..]);
            written += 2;
        }

        target.Advance(written);
    }

    private static void WriteStrings(ResponseBody target, ReadOnlySpan<byte> data)
    {
        BytesElements strings = new(data);
        for (int i = 0; strings.Next() == BytesStep.Element; i++)
        {
            Separate(target, i);
            JsonText.WriteString(target, strings.Current);
        }
    }

    private static void Separate(ResponseBody target, int index)
    {
        target.Reach(index);
        if (index > 0)
        {
            target.Write(","u8);
        }
    }
}
