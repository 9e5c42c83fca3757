using System.Diagnostics.CodeAnalysis;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Reads the body of a V2 inference request: JSON, JSON with binary parts behind it, or the raw bytes of a single input.</summary>
/// <remarks>It is long because the format is one: every member may come in any order and is read where it stands.
/// Binary tensors are slices of the body: it must stay as it is until the forward's terminal reply. Source: Open Inference
/// Protocol V2, binary tensor data extension; Triton 2.51 where the text is silent.</remarks>
internal static class InferRequestReader
{
    /// <param name="body">The whole body, decompressed. Binary tensors of the request are views of it.</param>
    /// <param name="headerLength">Value of <c>Inference-Header-Content-Length</c>, null where the header is absent. Read as C's <c>atoi</c>
    /// does, like Triton.</param>
    /// <returns>False when it is refused; <paramref name="fault"/> says why.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault
    )
    {
        try
        {
            request = Read(body, headerLength, contract);
            fault = null;
            return true;
        }
        catch (ProtocolException refusal)
        {
            request = null;
            fault = refusal.Fault;
            return false;
        }
    }

    private static InferRequest Read(ReadOnlyMemory<byte> body, string? headerLength, InferContract contract)
    {
        int jsonLength = HeaderLength.Read(headerLength, body.Length);
        if (jsonLength == 0)
        {
            return RawRequest.Read(body, contract);
        }

        using RequestScan scan = RequestScan.Rent();
        RequestMembers.Scan(body.Span[..jsonLength], scan, contract);
        Tensor[] inputs = ReadInputs(body.Span[..jsonLength], body[jsonLength..], scan.Inputs, contract);
        RequestValidation.Check(scan.Id, inputs, scan.Outputs, contract);
        return new InferRequest
        {
            Contract = contract,
            Id = scan.Id,
            RawId = scan.RawId,
            Inputs = inputs,
            Outputs = [.. scan.Outputs],
            Forms = [.. scan.Forms],
            BinaryByDefault = scan.BinaryByDefault,
            TimeoutMicroseconds = scan.TimeoutMicroseconds,
            Priority = scan.Priority,
            Parameters = [.. scan.Parameters],
        };
    }

    /// <summary>Makes the tensors: JSON data is read now, binary data is cut off the tail in the order of the inputs.</summary>
    private static Tensor[] ReadInputs(
        ReadOnlySpan<byte> json,
        ReadOnlyMemory<byte> tail,
        ReadOnlySpan<InputScan> scans,
        InferContract model
    )
    {
        Tensor[] inputs = new Tensor[scans.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            ref readonly InputScan scan = ref scans[i];
            (string name, ElementType type, TensorShape shape) = scan.Described();
            ReadOnlyMemory<byte> data;
            if (scan.BinarySize >= 0)
            {
                data =
                    scan.BinarySize <= tail.Length
                        ? tail[..(int)scan.BinarySize]
                        : throw ProtocolException.Bad(
                            $"unexpected size for input '{name}', expecting {scan.BinarySize - tail.Length} additional bytes for model '{model.Model}'"
                        );
                tail = tail[(int)scan.BinarySize..];
            }
            else
            {
                JsonCursor cursor = new(json) { Position = scan.DataPosition };
                data = TensorJsonReader.Read(ref cursor, type, RequestValidation.ElementCount(shape, name), name);
            }

            inputs[i] = new Tensor(name, type, shape, data);
        }

        return tail.IsEmpty ? inputs : throw ProtocolException.Bad($"unexpected additional input data for model '{model.Model}'");
    }
}
