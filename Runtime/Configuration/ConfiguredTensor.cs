using Google.Protobuf.Collections;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>An input or output of a configuration while it is completed from the model's tensor of its name and held against it.</summary>
/// <param name="Reshape">The shape the model has; null: the one that callers see.</param>
internal readonly record struct ConfiguredTensor(
    string Model,
    bool IsInput,
    string Name,
    DataType Type,
    RepeatedField<long> Dims,
    ModelTensorReshape? Reshape
)
{
    private string Side => IsInput ? "input" : "output";

    /// <summary>Completes dims and says what the tensor is to callers.</summary>
    /// <param name="maxBatchSize">Above 0 each shape begins with the batch.</param>
    /// <exception cref="ModuleLoadException">They contradict each other.</exception>
    public TensorSpec Complete(TensorSpec told, int maxBatchSize)
    {
        CheckType(told);
        bool isSilent = Dims.Count == 0 && Reshape is null;
        if (isSilent)
        {
            Dims.AddRange(told.Shape.Span[(maxBatchSize > 0 && told.Shape.Rank > 0 ? 1 : 0)..].ToArray());
        }
        else
        {
            CheckDims(maxBatchSize > 0 ? TensorShape.MaxRank - 1 : TensorShape.MaxRank);
            CheckReshape();
        }

        TensorShape inner = Whole(Reshape?.Shape ?? Dims, maxBatchSize > 0);
        CheckShape(told, inner, maxBatchSize);
        return told with { Shape = Whole(Dims, maxBatchSize > 0), IsRankFree = told.IsRankFree && isSilent };
    }

    private void CheckType(TensorSpec told)
    {
        if (Type != DataType.TypeInvalid && DataTypes.Of(Type) != told.Type)
        {
            throw Refused(
                $"configuration expects datatype {DataTypes.NameOf(DataTypes.Of(Type))} for {Side} '{Name}', model provides {DataTypes.NameOf(told.Type)}. Change data_type, or leave it out."
            );
        }
    }

    private void CheckDims(int most)
    {
        if (Dims.Any(dimension => dimension is 0 or < -1))
        {
            throw Refused($"{Side} '{Name}': a dimension must be an integer >= 1, or -1 to indicate a variable-size dimension.");
        }

        if (Math.Max(Dims.Count, Reshape?.Shape.Count ?? 0) > most)
        {
            throw Refused($"{Side} '{Name}' has more than {most} dims, the most that a tensor has beside its batch.");
        }
    }

    /// <summary>Both shapes have as many elements, and as many that are free, in the same order.</summary>
    private void CheckReshape()
    {
        if (Reshape is null)
        {
            return;
        }

        if (Reshape.Shape.Any(dimension => dimension is 0 or < -1))
        {
            throw Refused($"{Side} '{Name}': a dimension of reshape must be an integer >= 1, or -1.");
        }

        if (!Products(Dims).SequenceEqual(Products(Reshape.Shape)))
        {
            throw Refused(
                $"{Side} '{Name}' must have the same size for dims [{string.Join(',', Dims)}] and reshape [{string.Join(',', Reshape.Shape)}], and the same free dimensions in between."
            );
        }
    }

    private void CheckShape(TensorSpec told, in TensorShape inner, int maxBatchSize)
    {
        if (told.IsRankFree)
        {
            return;
        }

        if (maxBatchSize > 0 && (told.Shape.Rank == 0 || told.Shape[0] != -1))
        {
            throw Refused(
                $"tensor '{Name}': for the model to support batching the shape should have at least 1 dimension and the first dimension must be -1; but shape expected by the model is {told.Shape}. Set max_batch_size to 0 and give dims the whole shape."
            );
        }

        bool fits = inner.Rank == told.Shape.Rank;
        for (int axis = 0; fits && axis < inner.Rank; axis++)
        {
            fits = told.Shape[axis] == -1 || told.Shape[axis] == inner[axis];
        }

        if (!fits)
        {
            string batch =
                maxBatchSize > 0
                    ? $"(an initial batch dimension because max_batch_size > 0 followed by the explicit tensor shape, making complete shape {inner})"
                    : $"(shape {inner})";
            throw Refused(
                $"tensor '{Name}': the model expects {told.Shape.Rank} dimensions (shape {told.Shape}) but the model configuration specifies {inner.Rank} dimensions {batch}"
            );
        }
    }

    private ModuleLoadException Refused(string problem) => new(FailureKind.InvalidModel, $"model '{Model}', {problem}");

    private static TensorShape Whole(RepeatedField<long> dims, bool batched) => batched ? new([-1, .. dims]) : new([.. dims]);

    /// <summary>Elements before, between and behind the free dimensions.</summary>
    private static List<Int128> Products(RepeatedField<long> dims)
    {
        var products = new List<Int128> { 1 };
        foreach (long dimension in dims)
        {
            if (dimension < 0)
            {
                products.Add(1);
            }
            else
            {
                // Far beyond every tensor, and short of an overflow.
                products[^1] = Int128.Min(products[^1] * dimension, (Int128)1 << 63);
            }
        }

        return products;
    }
}
