using Troupe.Messages.Tensors;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Output shapes of a model: from the names of its free dimensions where those suffice, else as learned from earlier runs at the
/// same input shapes.</summary>
/// <remarks>ONNX Runtime tells no shapes without running. <b>Thread</b> any: contexts of several lanes learn for each other.</remarks>
internal sealed class OnnxShapes(IReadOnlyList<EngineTensor> inputs, IReadOnlyList<EngineTensor> outputs)
{
    /// <summary>Beyond this many combinations of input shapes no more are remembered; a run at a new one measures its outputs.</summary>
    private const int MaxLearned = 1024;

    private readonly Lock _lock = new();
    private readonly List<(TensorShape[] Inputs, TensorShape[] Outputs)> _learned = [];

    /// <summary>Whether the input shapes determine this output's shape by its declared dimensions alone.</summary>
    public static bool FollowsSymbols(IReadOnlyList<EngineTensor> inputs, EngineTensor output)
    {
        for (int axis = 0; axis < output.Shape.Rank; axis++)
        {
            string symbol = output.Symbols[axis];
            if (output.Shape[axis] < 0 && (symbol.Length == 0 || !inputs.Any(input => input.Symbols.Contains(symbol))))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Fills in the outputs' shapes for these input shapes, -1 where they are not known yet.</summary>
    public void Infer(ReadOnlySpan<TensorShape> given, Span<TensorShape> inferred)
    {
        bool complete = true;
        Span<long> dimensions = stackalloc long[TensorShape.MaxRank];
        for (int index = 0; index < outputs.Count; index++)
        {
            EngineTensor output = outputs[index];
            for (int axis = 0; axis < output.Shape.Rank; axis++)
            {
                dimensions[axis] = output.Shape[axis] >= 0 ? output.Shape[axis] : Dimension(output.Symbols[axis], given);
            }

            inferred[index] = new TensorShape(dimensions[..output.Shape.Rank]);
            complete &= inferred[index].IsConcrete;
        }

        if (!complete)
        {
            Recall(given, inferred);
        }
    }

    /// <summary>Remembers what a run at these input shapes gave; outputs whose shape depends on data are left open.</summary>
    public void Learn(ReadOnlySpan<TensorShape> given, ReadOnlySpan<TensorShape> measured)
    {
        lock (_lock)
        {
            if (_learned.Count < MaxLearned && Find(given) is null)
            {
                _learned.Add((given.ToArray(), measured.ToArray()));
            }
        }
    }

    /// <summary>Value of a named free dimension, -1 when no input has it or two inputs disagree (then only a run can tell).</summary>
    private long Dimension(string symbol, ReadOnlySpan<TensorShape> given)
    {
        long value = -1;
        for (int index = 0; symbol.Length > 0 && index < inputs.Count; index++)
        {
            IReadOnlyList<string> symbols = inputs[index].Symbols;
            for (int axis = 0; axis < symbols.Count; axis++)
            {
                if (symbols[axis] == symbol)
                {
                    if (value >= 0 && value != given[index][axis])
                    {
                        return -1;
                    }

                    value = given[index][axis];
                }
            }
        }

        return value;
    }

    private void Recall(ReadOnlySpan<TensorShape> given, Span<TensorShape> inferred)
    {
        lock (_lock)
        {
            if (Find(given) is { } learned)
            {
                for (int index = 0; index < inferred.Length; index++)
                {
                    inferred[index] = outputs[index].IsDataDependent ? inferred[index] : learned[index];
                }
            }
        }
    }

    private TensorShape[]? Find(ReadOnlySpan<TensorShape> given)
    {
        foreach ((TensorShape[] shapes, TensorShape[] results) in _learned)
        {
            if (given.SequenceEqual(shapes))
            {
                return results;
            }
        }

        return null;
    }
}
