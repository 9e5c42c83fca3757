using System.Globalization;
using System.Text.RegularExpressions;
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

    /// <summary>The dimension for these inputs.</summary>
    public long Apply(IReadOnlyList<EngineTensor> inputs, ReadOnlySpan<TensorShape> shapes, long[][] values)
    {
        long product = Factor;
        foreach ((string input, int axis) in Dimensions)
        {
            product = checked(product * shapes[IndexOf(inputs, input)][axis]);
        }

        foreach ((string input, int index) in Values)
        {
            product = checked(product * values[IndexOf(inputs, input)][index]);
        }

        return product;
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
