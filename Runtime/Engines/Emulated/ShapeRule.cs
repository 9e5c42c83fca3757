using System.Globalization;
using System.Text.RegularExpressions;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>One dimension of an output as a product: of numbers (<c>16</c>), input dimensions (<c>x.1</c>) and values of shape tensors
/// (<c>size[0]</c>).</summary>
internal sealed partial record ShapeRule(
    long Factor,
    IReadOnlyList<(string Input, int Axis)> Dimensions,
    IReadOnlyList<(string Input, int Index)> Values
)
{
    /// <exception cref="ModuleLoadException">The text is no such product.</exception>
    public static ShapeRule Parse(string text, string where)
    {
        long factor = 1;
        var dimensions = new List<(string, int)>();
        var values = new List<(string, int)>();
        foreach (string term in text.Split('*', StringSplitOptions.TrimEntries))
        {
            if (long.TryParse(term, NumberStyles.None, CultureInfo.InvariantCulture, out long number))
            {
                factor = checked(factor * number);
            }
            else if (Dimension().Match(term) is { Success: true } dimension)
            {
                dimensions.Add((dimension.Groups[1].Value, int.Parse(dimension.Groups[2].Value, CultureInfo.InvariantCulture)));
            }
            else if (Value().Match(term) is { Success: true } value)
            {
                values.Add((value.Groups[1].Value, int.Parse(value.Groups[2].Value, CultureInfo.InvariantCulture)));
            }
            else
            {
                throw ManifestObject.Wrong(
                    where,
                    $"is '{text}'; a dimension is a product of numbers, input dimensions (x.0) and shape values (size[0])"
                );
            }
        }

        return new ShapeRule(factor, dimensions, values);
    }

    /// <summary>The shape of an output for these inputs.</summary>
    /// <exception cref="ForwardException">The values of a shape tensor make no shape.</exception>
    public static TensorShape Apply(
        IReadOnlyList<ShapeRule> rules,
        string output,
        IReadOnlyList<EngineTensor> inputs,
        ReadOnlySpan<TensorShape> shapes,
        long[][] values
    )
    {
        Span<long> dimensions = stackalloc long[rules.Count];
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            if (!rules[axis].TryApply(inputs, shapes, values, out dimensions[axis]))
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The values of the shape tensors make no dimension {axis} of the output '{output}': there are too few, or it is negative or too large."
                );
            }
        }

        return new TensorShape(dimensions);
    }

    private bool TryApply(IReadOnlyList<EngineTensor> inputs, ReadOnlySpan<TensorShape> shapes, long[][] values, out long dimension)
    {
        dimension = Factor;
        foreach ((string input, int axis) in Dimensions)
        {
            TensorShape shape = shapes[IndexOf(inputs, input)];
            if (axis >= shape.Rank || !TryMultiply(ref dimension, shape[axis]))
            {
                return false;
            }
        }

        foreach ((string input, int index) in Values)
        {
            long[] given = values[IndexOf(inputs, input)];
            if (index >= given.Length || !TryMultiply(ref dimension, given[index]))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryMultiply(ref long product, long factor)
    {
        if (factor < 0 || Math.BigMul(product, factor, out long low) != 0 || low < 0)
        {
            return false;
        }

        product = low;
        return true;
    }

    private static int IndexOf(IReadOnlyList<EngineTensor> inputs, string name)
    {
        for (int index = 0; index < inputs.Count; index++)
        {
            if (inputs[index].Name == name)
            {
                return index;
            }
        }

        throw new InvalidOperationException($"A shape rule names the input '{name}', which the engine does not have.");
    }

    [GeneratedRegex(@"^([^\.\[\]\*]+)\.([0-7])$", RegexOptions.CultureInvariant)]
    private static partial Regex Dimension();

    [GeneratedRegex(@"^([^\.\[\]\*]+)\[([0-9]{1,2})\]$", RegexOptions.CultureInvariant)]
    private static partial Regex Value();
}
