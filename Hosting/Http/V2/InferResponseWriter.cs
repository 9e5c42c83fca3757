using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Content type, the value of <c>Inference-Header-Content-Length</c> where that header must be sent, and the outputs that come
/// behind what was written.</summary>
internal readonly record struct InferResponseHead(string ContentType, int? HeaderLength, Tensor[] Behind);

/// <summary>Writes the answer to an infer request: outputs sorted by name, in JSON or behind it in binary, as each was wanted.</summary>
internal static class InferResponseWriter
{
    /// <summary>Binary outputs of so many bytes together go out with the JSON.</summary>
    private const long OneWrite = 1 << 14;

    private const string Binary = "application/octet-stream";

    /// <param name="outputs">The outputs of the reply, in any order; those that were not asked for are left out.</param>
    /// <param name="body">Gets the answer, but for binary outputs that take longer to copy than to send on their own; cleared
    /// first.</param>
    /// <returns>False when an output has no form that was asked for, or the answer would be larger than <paramref name="body"/> takes;
    /// <paramref name="fault"/> says which.</returns>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer any more.</exception>
    public static bool TryWrite(
        InferRequest request,
        ReadOnlySpan<Tensor> outputs,
        ResponseBody body,
        out InferResponseHead head,
        [NotNullWhen(false)] out InferFault? fault
    )
    {
        body.Clear();
        try
        {
            head = Write(request, Wanted(request, outputs, body), body);
            fault = null;
            return true;
        }
        catch (ProtocolException refusal)
        {
            body.Clear();
            head = default;
            fault = refusal.Fault;
            return false;
        }
    }

    private static InferResponseHead Write(InferRequest request, Tensor[] outputs, ResponseBody target)
    {
        target.Write("{"u8);
        if (request.Id.Length > 0)
        {
            target.Write("\"id\":"u8);
            if (request.RawId is { } raw)
            {
                JsonText.WriteString(target, raw);
            }
            else
            {
                JsonText.WriteString(target, request.Id);
            }

            target.Write(","u8);
        }

        target.Write("\"model_name\":"u8);
        JsonText.WriteString(target, request.Contract.Model);
        target.Write(",\"model_version\":\""u8);
        JsonText.WriteInteger(target, request.Contract.Version);
        target.Write("\",\"outputs\":["u8);
        for (int i = 0; i < outputs.Length; i++)
        {
            if (i > 0)
            {
                target.Write(","u8);
            }

            WriteOutput(target, outputs[i], request.FormOf(outputs[i].Name).Binary);
        }

        target.Write("]}"u8);
        int jsonLength = target.Count;
        long bytes = target.Require(BinaryBytes(request, outputs));

        // Binary outputs of no bytes at all make plain JSON, as Triton has it.
        return bytes == 0 ? new InferResponseHead("application/json", null, [])
            : bytes > OneWrite
                ? new InferResponseHead(Binary, jsonLength, Array.FindAll(outputs, output => request.FormOf(output.Name).Binary))
            : WriteBinary(request, outputs, target, jsonLength);
    }

    private static InferResponseHead WriteBinary(InferRequest request, Tensor[] outputs, ResponseBody target, int jsonLength)
    {
        foreach (Tensor output in outputs)
        {
            if (request.FormOf(output.Name).Binary)
            {
                target.Write(output.Data.Span);
            }
        }

        return new InferResponseHead(Binary, jsonLength, []);
    }

    private static long BinaryBytes(InferRequest request, Tensor[] outputs)
    {
        long bytes = 0;
        foreach (Tensor output in outputs)
        {
            bytes += request.FormOf(output.Name).Binary ? output.Payload.Length : 0;
        }

        return bytes;
    }

    private static Tensor[] Wanted(InferRequest request, ReadOnlySpan<Tensor> outputs, ResponseBody answer)
    {
        Tensor[] wanted = new Tensor[outputs.Length];
        int count = 0;
        foreach (Tensor output in outputs)
        {
            if (request.Outputs.Length == 0 || Array.IndexOf(request.Outputs, output.Name) >= 0)
            {
                ulong classes = request.FormOf(output.Name).Classes;
                wanted[count++] = classes == 0 ? output : Classification.Of(output, classes, request.Contract, answer);
            }
        }

        if (count > 1)
        {
            wanted.AsSpan(0, count).Sort(static (left, right) => string.CompareOrdinal(left.Name, right.Name));
        }

        return count == wanted.Length ? wanted : wanted[..count];
    }

    private static void WriteOutput(ResponseBody target, Tensor output, bool binary)
    {
        target.Write("{\"name\":"u8);
        JsonText.WriteString(target, output.Name);
        target.Write(",\"datatype\":"u8);
        JsonText.WriteString(target, output.Type.ProtocolName());
        target.Write(",\"shape\":["u8);
        for (int axis = 0; axis < output.Shape.Rank; axis++)
        {
            if (axis > 0)
            {
                target.Write(","u8);
            }

            JsonText.WriteInteger(target, output.Shape[axis]);
        }

        if (binary)
        {
            target.Write("],\"parameters\":{\"binary_data_size\":"u8);
            JsonText.WriteInteger(target, output.Payload.Length);
            target.Write("}}"u8);
        }
        else
        {
            target.Write("],\"data\":"u8);
            TensorJsonWriter.Write(target, output);
            target.Write("}"u8);
        }
    }
}
