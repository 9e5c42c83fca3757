using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Strings between the bytes of a tensor and ONNX Runtime's values.</summary>
/// <remarks>Bytes are handed on as they are, valid UTF-8 or not, but for what stands behind a NUL: strings of ONNX Runtime's C interface
/// end there, and so does Triton have it.</remarks>
internal static class OnnxStrings
{
    /// <param name="data">As many strings as the shape says, each behind its length.</param>
    /// <param name="arena">What the values take themselves; what does not fit into one comes from the system.</param>
    /// <exception cref="OnnxRuntimeException">The arena is at its bound.</exception>
    public static OrtValue ToValue(ReadOnlySpan<byte> data, in TensorShape shape, OnnxArena arena)
    {
        OrtValue value = arena.EmptyStrings(shape);
        try
        {
            var strings = new BytesElements(data);
            for (int index = 0; strings.Next() == BytesStep.Element; index++)
            {
                ReadOnlySpan<byte> element = UpToNul(strings.Current);
                if (!element.IsEmpty)
                {
                    value.StringTensorSetElementAt(element, index);
                }
            }

            return value;
        }
        catch
        {
            value.Dispose();
            throw;
        }
    }

    /// <summary>Each string behind its length.</summary>
    /// <param name="most">Bytes that they may take.</param>
    /// <exception cref="ForwardException">They take more than that, or than the host has.</exception>
    public static byte[] ToBytes(OrtValue value, string output, long most)
    {
        int count = (int)value.GetTensorTypeAndShape().ElementCount;
        long bytes = (long)BytesElements.PrefixBytes * count;
        for (int index = 0; index < count; index++)
        {
            bytes += value.GetStringElementAsSpan(index).Length;
        }

        if (bytes > Array.MaxLength)
        {
            throw new ForwardException(
                FailureKind.BackendFailed,
                $"The strings of the output '{output}' take {bytes} bytes; one that comes back to the host has at most {Array.MaxLength}."
            );
        }

        if (bytes > most)
        {
            throw new ForwardException(FailureKind.BackendFailed, OutputLimit.Exceeded(bytes, most));
        }

        byte[] data = Room((int)bytes, output);
        Span<byte> rest = data;
        for (int index = 0; index < count; index++)
        {
            ReadOnlySpan<byte> element = value.GetStringElementAsSpan(index);
            BytesElements.WriteSingle(element, rest);
            rest = rest[(BytesElements.PrefixBytes + element.Length)..];
        }

        return data;
    }

    private static byte[] Room(int bytes, string output)
    {
        try
        {
            return GC.AllocateUninitializedArray<byte>(bytes);
        }
        catch (OutOfMemoryException full)
        {
            throw new ForwardException(
                FailureKind.BackendFailed,
                $"The host has no {bytes} bytes of memory left for the strings of the output '{output}'.",
                full
            );
        }
    }

    private static ReadOnlySpan<byte> UpToNul(ReadOnlySpan<byte> element) =>
        element.IndexOf((byte)0) is int end and >= 0 ? element[..end] : element;
}
