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
    /// <param name="stop">Fires when nobody waits for the answer any more.</param>
    /// <returns>False when it is refused; <paramref name="fault"/> says why.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault,
        CancellationToken stop = default
    )
    {
        try
        {
            request = Read(body, headerLength, contract, stop);
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

    private static InferRequest Read(ReadOnlyMemory<byte> body, string? headerLength, InferContract contract, CancellationToken stop)
    {
        int jsonLength = HeaderLength.Read(headerLength, body.Length);
        if (jsonLength == 0)
        {
            return RawRequest.Read(body, contract);
        }

        using RequestScan scan = RequestScan.Rent();
        JsonCursor json = new(body.Span[..jsonLength], stop);
        RequestMembers.Scan(json, scan, contract);
        if (scan.Inputs.Length > contract.Inputs.Count)
        {
            RequestValidation.CheckNames(scan.Id, scan.Inputs, contract);
        }

        Tensor[] inputs = ReadInputs(json, body[jsonLength..], scan.Inputs, contract);
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
    private static Tensor[] ReadInputs(in JsonCursor json, ReadOnlyMemory<byte> tail, ReadOnlySpan<InputScan> scans, InferContract model)
    {
        Tensor[] inputs = new Tensor[scans.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            ref readonly InputScan scan = ref scans[i];
            (string name, ElementType type, TensorShape shape) = scan.Described();
            ReadOnlyMemory<byte> data;
            if (scan.BinarySize is { } size)
            {
                data =
                    size <= (ulong)tail.Length
                        ? tail[..(int)size]
                        : throw ProtocolException.Bad(
                            $"unexpected size for input '{name}', expecting {size - (ulong)tail.Length} additional bytes for model '{model.Model}'"
                        );
                tail = tail[(int)size..];
            }
            else
            {
                JsonCursor cursor = json.At(scan.DataPosition);
                data = TensorJsonReader.Read(ref cursor, type, RequestValidation.ElementCount(shape, name), name);
            }

            inputs[i] = new Tensor(name, type, shape, data);
        }

        return tail.IsEmpty ? inputs : throw ProtocolException.Bad($"unexpected additional input data for model '{model.Model}'");
    }
}
