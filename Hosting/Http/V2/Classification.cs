using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>The classification extension: instead of a tensor, its best entries as strings <c>value:index[:label]</c>.</summary>
internal static class Classification
{
    /// <summary>The best <paramref name="classes"/> entries, most first: for each entry of a batch, shape [batch, k]; otherwise of the
    /// whole tensor, shape [k].</summary>
    /// <param name="answer">What it becomes a part of, and whose bounds it keeps.</param>
    public static Tensor Of(Tensor output, ulong classes, InferContract contract, ResponseBody answer)
    {
        contract.Labels.TryGetValue(output.Name, out IReadOnlyList<string>? labels);
        bool batched = contract.MaxBatchSize > 0;
        return output.Type switch
        {
            ElementType.Fp32 => Best<float>(output, classes, batched, labels, "F6", answer),
            ElementType.Fp64 => Best<double>(output, classes, batched, labels, "F6", answer),
            ElementType.UInt8 => Best<byte>(output, classes, batched, labels, "D", answer),
            ElementType.UInt16 => Best<ushort>(output, classes, batched, labels, "D", answer),
            ElementType.UInt32 => Best<uint>(output, classes, batched, labels, "D", answer),
            ElementType.UInt64 => Best<ulong>(output, classes, batched, labels, "D", answer),
            ElementType.Int8 => Best<sbyte>(output, classes, batched, labels, "D", answer),
            ElementType.Int16 => Best<short>(output, classes, batched, labels, "D", answer),
            ElementType.Int32 => Best<int>(output, classes, batched, labels, "D", answer),
            ElementType.Int64 => Best<long>(output, classes, batched, labels, "D", answer),
            ElementType.Unknown
            or ElementType.Bool
            or ElementType.Fp16
            or ElementType.Bf16
            or ElementType.Bytes
            or ElementType.Fp8
            or ElementType.Int4 => throw new ProtocolException(
                $"class result not available for output '{output.Name}' due to unsupported type '{output.Type.ProtocolName()}'",
                plainText: true
            ),
        };
    }

    private static Tensor Best<T>(
        Tensor output,
        ulong classes,
        bool batched,
        IReadOnlyList<string>? labels,
        string format,
        ResponseBody answer
    )
        where T : unmanaged, INumber<T>
    {
        ReadOnlySpan<T> values = MemoryMarshal.Cast<byte, T>(output.Data.Span);
        int rows = batched && output.Shape.Rank > 0 ? (int)output.Shape[0] : 1;
        int width = rows > 0 ? values.Length / rows : 0;
        int best = (int)Math.Min(classes, (ulong)width);
        int[] order = new int[width];
        using ResponseBody data = new(answer.Memory, answer.Limit, aborted: answer.Aborted);
        for (int row = 0; row < rows; row++)
        {
            answer.Aborted.ThrowIfCancellationRequested();
            T[] entries = values.Slice(row * width, width).ToArray();
            for (int i = 0; i < width; i++)
            {
                order[i] = i;
            }

            // Highest value first, of equals the lower index.
            order
                .AsSpan()
                .Sort(
                    (left, right) => entries[right].CompareTo(entries[left]) is var compared and not 0 ? compared : left.CompareTo(right)
                );
            for (int rank = 0; rank < best; rank++)
            {
                int index = order[rank];
                data.Reach(rank);
                Write(data, Value(entries[index], format), index, labels);
            }
        }

        TensorShape shape = batched ? new TensorShape(rows, best) : new TensorShape(best);
        return new Tensor(output.Name, ElementType.Bytes, shape, data.Written.ToArray());
    }

    /// <summary>As C's <c>%f</c>: a 32 bit float with all the digits its value as a double has.</summary>
    private static string Value<T>(T value, string format)
        where T : INumber<T> =>
        value is float single
            ? ((double)single).ToString(format, CultureInfo.InvariantCulture)
            : value.ToString(format, CultureInfo.InvariantCulture);

    private static void Write(ResponseBody data, string value, int index, IReadOnlyList<string>? labels)
    {
        string label = index < labels?.Count ? ":" + labels[index] : "";
        byte[] text = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{value}:{index}{label}"));
        BinaryPrimitives.WriteInt32LittleEndian(data.GetSpan(4), text.Length);
        data.Advance(4);
        data.Write(text);
    }
}
