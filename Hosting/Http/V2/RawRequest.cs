using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>A request without JSON: the body is the data of the model's single input, taken as batch 1; every output comes back
/// binary.</summary>
internal static class RawRequest
{
    public static InferRequest Read(ReadOnlyMemory<byte> body, InferContract model, RequestMemory memory)
    {
        const string prefix = "[request id: <id_unknown>] ";
        if (model.Inputs.Count(spec => !spec.IsOptional) != 1)
        {
            throw ProtocolException.Bad(
                $"{prefix}Raw request must only have 1 input (found 1) to be deduced but got {model.Inputs.Count} inputs in '{model.Model}' model configuration"
            );
        }

        TensorSpec spec = model.Inputs.First(spec => !spec.IsOptional);
        Tensor input =
            spec.Type == ElementType.Bytes
                ? Text(prefix, spec, body, model, memory)
                : Whole(spec, Shape(prefix, spec, body.Length, model), body);
        Tensor[] inputs = [input];
        try
        {
            RequestValidation.Check("", inputs, [], model);
        }
        catch
        {
            inputs.Release();
            throw;
        }

        return new InferRequest
        {
            Contract = model,
            Inputs = inputs,
            BinaryByDefault = true,
        };
    }

    private static Tensor Whole(TensorSpec spec, in TensorShape shape, ReadOnlyMemory<byte> body) =>
        new(spec.Name, spec.Type, shape, TensorPayload.Of(body, shape));

    /// <summary>The body is the one string that the input has, apart from the batch.</summary>
    private static Tensor Text(string prefix, TensorSpec spec, ReadOnlyMemory<byte> body, InferContract model, RequestMemory memory)
    {
        bool isBatched = model.MaxBatchSize > 0 && !model.OutsideBatch.Contains(spec.Name);
        if (spec.Shape.Span[(isBatched ? 1 : 0)..] is not [1])
        {
            throw ProtocolException.Bad($"{prefix}For BYTE datatype raw input '{spec.Name}', the model must have input shape [1]");
        }

        TensorLease text = memory.Lease(BytesElements.PrefixBytes + body.Length);
        BytesElements.WriteSingle(body.Span, text.GetSpan());
        TensorShape shape = isBatched ? new TensorShape(1, 1) : new TensorShape(1);
        return new Tensor(spec.Name, spec.Type, shape, new TensorPayload.Leased(text, 1));
    }

    /// <summary>The one free dimension is what the number of bytes leaves for it.</summary>
    private static TensorShape Shape(string prefix, TensorSpec spec, int byteCount, InferContract model)
    {
        Span<long> dimensions = stackalloc long[spec.Shape.Rank];
        spec.Shape.Span.CopyTo(dimensions);
        if (model.MaxBatchSize > 0)
        {
            dimensions[0] = 1;
        }

        int free = dimensions.IndexOf(-1);
        if (free < 0)
        {
            return new TensorShape(dimensions);
        }

        if (dimensions[(free + 1)..].Contains(-1))
        {
            throw ProtocolException.Bad(
                $"{prefix}The shape of the raw input '{spec.Name}' can not be deduced because there are more than one variable-sized dimension"
            );
        }

        dimensions[free] = 1;
        long rest = spec.Type.ByteCount(new TensorShape(dimensions).ElementCount);
        dimensions[free] = rest > 0 ? byteCount / rest : 0;
        return new TensorShape(dimensions);
    }
}
