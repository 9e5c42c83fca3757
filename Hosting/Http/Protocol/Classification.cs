using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.Protocol;

/// <summary>The classification extension: instead of a tensor, its best entries as strings <c>value:index[:label]</c>.</summary>
internal static class Classification
{
    /// <summary>The best <paramref name="classes"/> entries, most first: for each entry of a batch, shape [batch, k]; otherwise of the whole tensor, shape [k].</summary>
    public static Tensor Of(Tensor output, ulong classes, InferContract contract)
    {
        bool batched = contract.MaxBatchSize > 0;
        contract.Labels.TryGetValue(output.Name, out IReadOnlyList<string>? labels);
        double[] values = Values(output);
        int rows = batched && output.Shape.Rank > 0 ? (int)output.Shape[0] : 1;
        int width = rows > 0 ? values.Length / rows : 0;
        int best = (int)Math.Min(classes, (ulong)width);
        bool integral = output.Type is not (ElementType.Fp32 or ElementType.Fp64);
        using ResponseBody data = new();
        for (int row = 0; row < rows; row++)
        {
            ArraySegment<double> entries = new(values, row * width, width);
            foreach (int index in Enumerable.Range(0, width).OrderByDescending(index => entries[index]).Take(best))
            {
                string value = entries[index].ToString(integral ? "F0" : "F6", CultureInfo.InvariantCulture);
                string label = index < labels?.Count ? ":" + labels[index] : "";
                byte[] text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{value}:{index}{label}"));
                BinaryPrimitives.WriteInt32LittleEndian(data.GetSpan(4), text.Length);
                data.Advance(4);
                data.Write(text);
            }
        }

        TensorShape shape = batched ? new TensorShape(rows, best) : new TensorShape(best);
        return new Tensor(output.Name, ElementType.Bytes, shape, data.Written.ToArray());
    }

    private static double[] Values(Tensor output)
    {
        ReadOnlySpan<byte> data = output.Data.Span;
        return output.Type switch
        {
            ElementType.Fp32 => Convert<float>(data, value => value),
            ElementType.Fp64 => Convert<double>(data, value => value),
            ElementType.UInt8 => Convert<byte>(data, value => value),
            ElementType.UInt16 => Convert<ushort>(data, value => value),
            ElementType.UInt32 => Convert<uint>(data, value => value),
            ElementType.UInt64 => Convert<ulong>(data, value => value),
            ElementType.Int8 => Convert<sbyte>(data, value => value),
            ElementType.Int16 => Convert<short>(data, value => value),
            ElementType.Int32 => Convert<int>(data, value => value),
            ElementType.Int64 => Convert<long>(data, value => value),
            ElementType.Bool or ElementType.Fp16 or ElementType.Bf16 or ElementType.Bytes or ElementType.Fp8 or ElementType.Int4 =>
                throw ProtocolException.Bad($"class result not available for output '{output.Name}' due to unsupported type '{output.Type.ProtocolName()}'"),
        };
    }

    private static double[] Convert<T>(ReadOnlySpan<byte> data, Func<T, double> widen)
        where T : unmanaged => Array.ConvertAll(MemoryMarshal.Cast<byte, T>(data).ToArray(), value => widen(value));
}
