using System.Diagnostics.CodeAnalysis;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Http.V2;

/// <summary>Reads the body of a V2 inference request: JSON, JSON with binary parts behind it, or the raw bytes of a single input.</summary>
/// <remarks>It is long because the format is one: every member may come in any order and is read where it stands.
/// Binary tensors are parts of the body: of a leased one each has a lease of its own. Source: Open Inference
/// Protocol V2, binary tensor data extension; Triton 2.51 where the text is silent.</remarks>
internal static class InferRequestReader
{
    /// <param name="body">The whole body, decompressed. Binary tensors of the request are views of it.</param>
    /// <param name="headerLength">Value of <c>Inference-Header-Content-Length</c>, null where the header is absent. Read as C's <c>atoi</c>
    /// does, like Triton.</param>
    /// <param name="memory">What tensors are read into that come as JSON.</param>
    /// <param name="stop">Fires when nobody waits for the answer any more.</param>
    /// <returns>False when it is refused; <paramref name="fault"/> says why.</returns>
    /// <exception cref="HostMemoryException">There is no room for its tensors at present.</exception>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        RequestMemory memory,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault,
        CancellationToken stop = default
    )
    {
        try
        {
            request = Read(body, headerLength, contract, memory, stop);
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

    private static InferRequest Read(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        RequestMemory memory,
        CancellationToken stop
    )
    {
        int jsonLength = HeaderLength.Read(headerLength, body.Length);
        if (jsonLength == 0)
        {
            return RawRequest.Read(body, contract, memory);
        }

        using RequestScan scan = RequestScan.Rent();
        JsonCursor json = new(body.Span[..jsonLength], stop);
        RequestMembers.Scan(json, scan, contract);
        if (scan.Inputs.Length > contract.Inputs.Count)
        {
            RequestValidation.CheckNames(scan.Id, scan.Inputs, contract);
        }

        Tensor[] inputs = ReadInputs(json, body[jsonLength..], scan, contract, memory);
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
        in JsonCursor json,
        ReadOnlyMemory<byte> tail,
        RequestScan scan,
        InferContract model,
        RequestMemory memory
    )
    {
        Tensor[] inputs = new Tensor[scan.Inputs.Length];
        int made = 0;
        try
        {
            for (; made < inputs.Length; made++)
            {
                inputs[made] = ReadInput(json, ref tail, scan.Inputs[made], model, memory);
            }

            if (!tail.IsEmpty)
            {
                throw ProtocolException.Bad($"unexpected additional input data for model '{model.Model}'");
            }

            RequestValidation.Check(scan.Id, inputs, scan.Outputs, model);
            return inputs;
        }
        catch
        {
            inputs[..made].Release();
            throw;
        }
    }

    private static Tensor ReadInput(
        in JsonCursor json,
        ref ReadOnlyMemory<byte> tail,
        in InputScan scan,
        InferContract model,
        RequestMemory memory
    )
    {
        (string name, ElementType type, TensorShape shape) = scan.Described();
        if (scan.BinarySize is not { } size)
        {
            JsonCursor cursor = json.At(scan.DataPosition);
            long elements = RequestValidation.ElementCount(shape, name);
            return new Tensor(name, type, shape, TensorJsonReader.Read(ref cursor, type, elements, name, memory));
        }

        if (size > (ulong)tail.Length)
        {
            throw ProtocolException.Bad(
                $"unexpected size for input '{name}', expecting {size - (ulong)tail.Length} additional bytes for model '{model.Model}'"
            );
        }

        ReadOnlyMemory<byte> data = tail[..(int)size];
        tail = tail[(int)size..];
        return new Tensor(name, type, shape, TensorPayload.Of(data, shape));
    }
}
