using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Specs;

/// <summary>One optimization profile: for every input the least, typical and greatest shape it was built for.</summary>
/// <param name="Ranges">By input, in the engine's order.</param>
internal sealed record ProfileSpec(int Index, IReadOnlyList<ProfileRange> Ranges)
{
    /// <summary>The failure of asking an engine for a profile that it has not got (text of torch_tensorrt).</summary>
    public static ForwardException OutOfRange(int index, int count) =>
        new(FailureKind.InvalidRequest, $"Optimization profile index {index} out of range [0, {count})");
}

/// <summary>The shapes (for a shape tensor: the values) that a profile admits for one input, bounds included.</summary>
internal sealed record ProfileRange(TensorShape Min, TensorShape Opt, TensorShape Max)
{
    /// <summary>The range of a shape tensor whose values a profile leaves open.</summary>
    public static ProfileRange AnyValues { get; } = new(new TensorShape(), new TensorShape(), new TensorShape());

    /// <summary>The range that admits every shape of this rank with these fixed dimensions.</summary>
    public static ProfileRange Any(in TensorShape shape)
    {
        Span<long> least = stackalloc long[shape.Rank];
        Span<long> greatest = stackalloc long[shape.Rank];
        for (int axis = 0; axis < shape.Rank; axis++)
        {
            least[axis] = Math.Max(shape[axis], 0);
            greatest[axis] = shape[axis] < 0 ? int.MaxValue : shape[axis];
        }

        return new ProfileRange(new TensorShape(least), new TensorShape(least), new TensorShape(greatest));
    }

    /// <summary>Whether the values of a shape tensor are inside.</summary>
    public bool AdmitsValues(ReadOnlySpan<long> values) => Min.Rank == 0 || Admits(values);

    public bool Admits(in TensorShape shape) => Admits(shape.Span);

    private bool Admits(ReadOnlySpan<long> dimensions)
    {
        if (dimensions.Length != Min.Rank)
        {
            return false;
        }

        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            if (dimensions[axis] < Min.Span[axis] || dimensions[axis] > Max.Span[axis])
            {
                return false;
            }
        }

        return true;
    }
}
