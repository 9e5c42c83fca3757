namespace Troupe.Messages.Tensors;

/// <summary>Says what is wrong with tensors that come from a stranger. Used where tensors enter: at the edge, on the wire and in the
/// lane.</summary>
/// <remarks>Null means sound; then the data has exactly the size that type and shape imply. Allocates only to report.</remarks>
public static class TensorValidation
{
    /// <summary>Type, shape and size of one tensor.</summary>
    public static string? Check(Tensor tensor)
    {
        if (string.IsNullOrEmpty(tensor.Name))
        {
            return "a tensor has no name";
        }

        string? problem =
            Check(tensor.Type, tensor.Shape, tensor.Data.Span)
            ?? (
                tensor.Payload.Elements == tensor.Shape.ElementCount
                    ? null
                    : $"its payload counts {tensor.Payload.Elements} elements, its shape {tensor.Shape} asks for {tensor.Shape.ElementCount}"
            );
        return problem is null ? null : $"tensor '{tensor.Name}': {problem}";
    }

    /// <summary>Each tensor, and that no name occurs twice.</summary>
    public static string? Check(ReadOnlySpan<Tensor> tensors)
    {
        for (int i = 0; i < tensors.Length; i++)
        {
            if (Check(tensors[i]) is { } problem)
            {
                return problem;
            }
        }

        return DuplicateName(tensors) is { } name ? $"tensor '{name}' occurs twice" : null;
    }

    /// <summary>Data against type and shape.</summary>
    public static string? Check(ElementType type, TensorShape shape, ReadOnlySpan<byte> data)
    {
        if (type == ElementType.Unknown || !Enum.IsDefined(type))
        {
            return $"{(int)type} is no element type";
        }

        if (!shape.IsConcrete)
        {
            return $"its shape {shape} is not concrete";
        }

        if (!shape.TryGetElementCount(out long elements))
        {
            return $"its shape {shape} has more elements than can be counted";
        }

        if (type == ElementType.Bytes)
        {
            return CheckStrings(elements, data);
        }

        return type.TryGetByteCount(shape, out long bytes) && bytes == data.Length
            ? null
            : $"{type.ProtocolName()} {shape} takes {(bytes == 0 && elements > 0 ? "more" : bytes)} bytes, its data has {data.Length}";
    }

    /// <summary>Walks the length prefixes of <see cref="ElementType.Bytes"/> data: exactly <paramref name="elements"/> strings and nothing
    /// behind them.</summary>
    public static string? CheckStrings(long elements, ReadOnlySpan<byte> data)
    {
        var strings = new BytesElements(data);
        BytesStep step;
        do
        {
            step = strings.Next();
        } while (step == BytesStep.Element);

        return step switch
        {
            BytesStep.IncompleteLength =>
                $"string {strings.Count} has a length prefix of {strings.Left} bytes instead of {BytesElements.PrefixBytes}",
            BytesStep.IncompleteElement =>
                $"string {strings.Count} has {strings.Announced} bytes by its prefix, but only {strings.Left} are left",
            BytesStep.Element or BytesStep.End => strings.Count == elements
                ? null
                : $"it has {strings.Count} strings, its shape asks for {elements}",
        };
    }

    private static string? DuplicateName(ReadOnlySpan<Tensor> tensors)
    {
        // Pairwise while that is cheap; above, one set.
        const int Few = 16;
        if (tensors.Length <= Few)
        {
            for (int i = 1; i < tensors.Length; i++)
            {
                for (int j = 0; j < i; j++)
                {
                    if (string.Equals(tensors[i].Name, tensors[j].Name, StringComparison.Ordinal))
                    {
                        return tensors[i].Name;
                    }
                }
            }

            return null;
        }

        HashSet<string> names = new(tensors.Length, StringComparer.Ordinal);
        foreach (Tensor tensor in tensors)
        {
            if (!names.Add(tensor.Name))
            {
                return tensor.Name;
            }
        }

        return null;
    }
}
