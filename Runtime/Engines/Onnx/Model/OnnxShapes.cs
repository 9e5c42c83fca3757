using Troupe.Messages.Tensors;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Output shapes of a model: as learned from earlier runs at the same input shapes, else from what the file declares.</summary>
/// <remarks>ONNX Runtime tells no shapes without running, and what a file declares is a hint: a run that contradicts it is believed. An
/// output that contradicts an earlier run depends on data, whatever the graph looks like. <b>Thread</b> any: contexts of several lanes
/// learn for each other.</remarks>
internal sealed class OnnxShapes(IReadOnlyList<EngineTensor> inputs, IReadOnlyList<EngineTensor> outputs)
{
    /// <summary>So many combinations of input shapes are remembered; a run at another one measures its outputs.</summary>
    public const int MaxLearned = 1024;

    /// <summary>A shape of which nothing is known before the run.</summary>
    private static readonly TensorShape Open = new(-1);

    private readonly Lock _lock = new();
    private readonly LearnedShapes _learned = new(MaxLearned);
    private readonly bool[] _isDependent = [.. outputs.Select(output => output.IsDataDependent)];

    /// <summary>By output: the input that it is; -1 where it is computed.</summary>
    private readonly int[] _isInput = [.. outputs.Select(output => inputs.ToList().FindIndex(input => input.Name == output.Name))];

    /// <summary>What a file declares may be wrong for some output.</summary>
    private bool _isContradicted = outputs.Any(output => output.IsDataDependent);

    /// <summary>Whether the input shapes determine this output's shape by its declared dimensions alone, if those are true.</summary>
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
            if (_isInput[index] is int input and >= 0)
            {
                inferred[index] = given[input];
                continue;
            }

            for (int axis = 0; axis < output.Shape.Rank; axis++)
            {
                dimensions[axis] = output.Shape[axis] >= 0 ? output.Shape[axis] : Dimension(output.Symbols[axis], given);
            }

            inferred[index] = new TensorShape(dimensions[..output.Shape.Rank]);
            complete &= inferred[index].IsConcrete;
        }

        if (!complete || Volatile.Read(ref _isContradicted))
        {
            Recall(given, inferred);
        }
    }

    /// <summary>Remembers what a run at these input shapes gave; outputs whose shape depends on data are left open.</summary>
    public void Learn(ReadOnlySpan<TensorShape> given, ReadOnlySpan<TensorShape> measured)
    {
        lock (_lock)
        {
            Remember(given, measured);
        }
    }

    /// <summary>A run gave other shapes than it was prepared for: what it gave holds for these input shapes from now on. An output that is
    /// remembered to have given something else for them is measured always.</summary>
    public void Contradict(ReadOnlySpan<TensorShape> given, ReadOnlySpan<TensorShape> measured)
    {
        lock (_lock)
        {
            Remember(given, measured);
            Volatile.Write(ref _isContradicted, true);
        }
    }

    private void Remember(ReadOnlySpan<TensorShape> given, ReadOnlySpan<TensorShape> measured)
    {
        if (_learned.Find(given) is { } learned)
        {
            Compare(learned, measured);
        }
        else
        {
            _learned.Add(given, measured);
        }
    }

    private void Compare(ReadOnlySpan<TensorShape> before, ReadOnlySpan<TensorShape> now)
    {
        for (int index = 0; index < _isDependent.Length; index++)
        {
            if (before[index] != now[index])
            {
                _isDependent[index] = true;
                Volatile.Write(ref _isContradicted, true);
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
            TensorShape[]? learned = _learned.Find(given);
            for (int index = 0; index < inferred.Length; index++)
            {
                if (!_isDependent[index])
                {
                    inferred[index] = learned?[index] ?? inferred[index];
                }
                else if (inferred[index].IsConcrete)
                {
                    inferred[index] = Open;
                }
            }
        }
    }
}
