using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Holds a request against its model: names, types, batch, shapes and sizes, in Triton's words.</summary>
internal static class RequestValidation
{
    /// <exception cref="ProtocolException">The first thing that does not fit.</exception>
    public static void Check(string id, Tensor[] inputs, List<string> outputs, InferContract model)
    {
        foreach (Tensor input in inputs)
        {
            TensorSpec spec = Find(model.Inputs, input.Name) ?? throw Unexpected(input.Name, model);
            if (input.Type != spec.Type)
            {
                throw Bad(
                    id,
                    $"inference input '{input.Name}' data-type is '{input.Type.ProtocolName()}', but model '{model.Model}' expects '{spec.Type.ProtocolName()}'"
                );
            }
        }

        CheckArity(id, inputs, model);
        CheckBatch(id, inputs, model);
        foreach (Tensor input in inputs)
        {
            CheckShape(id, input, model);
            CheckSize(id, input, model);
        }

        foreach (string output in outputs)
        {
            if (Find(model.Outputs, output) is null)
            {
                throw Bad(id, $"unexpected inference output '{output}' for model '{model.Model}'");
            }
        }
    }

    /// <summary>Names of inputs alone, of a request with more than the model has: one of them is refused.</summary>
    public static void CheckNames(string id, ReadOnlySpan<InputScan> inputs, InferContract model)
    {
        for (int i = 0; i < inputs.Length && inputs[i].Name is { } name; i++)
        {
            if (Find(model.Inputs, name) is null)
            {
                throw Unexpected(name, model);
            }

            for (int k = 0; k < i; k++)
            {
                if (inputs[k].Name == name)
                {
                    throw Repeated(id, name);
                }
            }
        }
    }

    /// <summary>Elements of a shape a stranger declared; a product past what memory can hold is refused, not computed.</summary>
    public static long ElementCount(TensorShape shape, string input)
    {
        try
        {
            long count = shape.ElementCount;
            return count <= int.MaxValue ? count : throw TooLarge(shape, input);
        }
        catch (OverflowException)
        {
            throw TooLarge(shape, input);
        }
    }

    private static void CheckArity(string id, Tensor[] inputs, InferContract model)
    {
        for (int i = 0; i < inputs.Length; i++)
        {
            for (int k = 0; k < i; k++)
            {
                if (inputs[i].Name == inputs[k].Name)
                {
                    throw Repeated(id, inputs[i].Name);
                }
            }
        }

        if (inputs.Length != model.Inputs.Count && !GivesRequired(inputs, model))
        {
            string got = string.Join(',', inputs.Select(input => $"'{input.Name}'"));
            string missing = string.Join(
                ',',
                model
                    .Inputs.Where(spec => !spec.IsOptional && !inputs.Any(input => input.Name == spec.Name))
                    .Select(spec => $"'{spec.Name}'")
            );
            throw Bad(
                id,
                $"expected {model.Inputs.Count} inputs but got {inputs.Length} inputs for model '{model.Model}'. Got input(s) [{got}], but missing required input(s) [{missing}]. Please provide all required input(s)."
            );
        }
    }

    private static bool GivesRequired(Tensor[] inputs, InferContract model) =>
        model.Inputs.All(spec => spec.IsOptional || inputs.Any(input => input.Name == spec.Name));

    private static void CheckBatch(string id, Tensor[] inputs, InferContract model)
    {
        if (model.MaxBatchSize == 0 || inputs.Length == 0)
        {
            return;
        }

        long? first = null;
        foreach (Tensor input in inputs)
        {
            if (model.OutsideBatch.Contains(input.Name))
            {
                continue;
            }

            if (input.Shape.Rank == 0)
            {
                throw Bad(id, $"input '{input.Name}' has no shape but model requires batch dimension for '{model.Model}'");
            }

            first ??= input.Shape[0];
            if (input.Shape[0] != first)
            {
                throw Bad(id, $"input '{input.Name}' batch size does not match other inputs for '{model.Model}'");
            }
        }

        if (first > model.MaxBatchSize)
        {
            throw Bad(id, $"inference request batch-size must be <= {model.MaxBatchSize} for '{model.Model}'");
        }

        if (first == 0)
        {
            throw Bad(id, $"inference request batch-size must be >= 1 for '{model.Model}'");
        }
    }

    private static void CheckShape(string id, Tensor input, InferContract model)
    {
        TensorSpec spec = Find(model.Inputs, input.Name)!;
        if (!spec.Admits(input.Shape))
        {
            string note =
                model.MaxBatchSize > 0
                    ? "NOTE: Setting a non-zero max_batch_size in the model config requires a batch dimension to be prepended to each input shape."
                    : "";
            throw Bad(
                id,
                $"unexpected shape for input '{input.Name}' for model '{model.Model}'. Expected {spec.Shape}, got {input.Shape}. {note}"
            );
        }
    }

    private static void CheckSize(string id, Tensor input, InferContract model)
    {
        long elements = ElementCount(input.Shape, input.Name);
        if (input.Type == ElementType.Bytes)
        {
            CheckStrings(id, input, elements, model);
            return;
        }

        long expected = input.Type.ByteCount(elements);
        if (input.Payload.Length != expected)
        {
            throw Bad(
                id,
                $"input byte size mismatch for input '{input.Name}' for model '{model.Model}'. Expected {expected}, got {input.Payload.Length}"
            );
        }
    }

    private static void CheckStrings(string id, Tensor input, long expected, InferContract model)
    {
        var strings = new BytesElements(input.Data.Span);
        BytesStep step;
        do
        {
            step = strings.Next();
        } while (step == BytesStep.Element);

        string? problem = step switch
        {
            BytesStep.IncompleteLength =>
                $"incomplete string length indicator for inference input '{input.Name}' for model '{model.Model}', expecting 4 bytes but only {strings.Left} bytes available.",
            BytesStep.IncompleteElement =>
                $"incomplete string data for inference input '{input.Name}', expecting string of length {strings.Announced} but only {strings.Left} bytes available",
            BytesStep.Element or BytesStep.End => strings.Count == expected
                ? null
                : $"unexpected number of string elements {strings.Count} for inference input '{input.Name}' for model '{model.Model}', expecting {expected}",
        };
        if (problem is not null)
        {
            throw Bad(id, problem);
        }
    }

    private static TensorSpec? Find(IReadOnlyList<TensorSpec> specs, string name)
    {
        for (int i = 0; i < specs.Count; i++)
        {
            if (string.Equals(specs[i].Name, name, StringComparison.Ordinal))
            {
                return specs[i];
            }
        }

        return null;
    }

    private static ProtocolException Unexpected(string input, InferContract model) =>
        ProtocolException.Bad($"unexpected inference input '{input}' for model '{model.Model}'");

    private static ProtocolException Repeated(string id, string input) => Bad(id, $"input '{input}' already exists in request");

    /// <summary>Triton puts the client's id before what it finds in validation.</summary>
    private static ProtocolException Bad(string id, string message) =>
        ProtocolException.Bad($"[request id: {(id.Length == 0 ? "<id_unknown>" : id)}] {message}");

    private static ProtocolException TooLarge(TensorShape shape, string input) =>
        ProtocolException.Bad($"the shape {shape} of input '{input}' declares more elements than a request can carry");
}
