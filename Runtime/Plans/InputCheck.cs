using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Step 1 of a forward: whether types and shapes of the inputs fit the module, each misfit with its own error.</summary>
/// <remarks><b>Thread</b> any. Allocates only when it refuses.</remarks>
internal sealed class InputCheck
{
    private readonly ModuleGraph _graph;
    private readonly SymbolUse[] _symbols;
    private readonly GraphTensor? _onHost;

    public InputCheck(ModuleGraph graph)
    {
        _graph = graph;
        _symbols = [.. SharedSymbols(graph)];
        _onHost = Array.Find(graph.Tensors.Items, static tensor => tensor.IsOnHost);
    }

    /// <summary>Checks a forward's inputs in device memory, in the module's order.</summary>
    /// <param name="shapes">Receives their shapes.</param>
    /// <exception cref="ForwardException">One does not fit.</exception>
    /// <exception cref="ObjectDisposedException">One is a stale view.</exception>
    public void All(ReadOnlySpan<DeviceTensor> inputs, Span<TensorShape> shapes)
    {
        if (_onHost is { } strings)
        {
            throw new ForwardException(
                FailureKind.NotSupported,
                $"The tensor '{strings.Name}' of the module '{_graph.Model}' is of type BYTES, which lies in host memory and on no device. Call the module with host tensors."
            );
        }

        Arity(inputs.Length);
        for (int index = 0; index < inputs.Length; index++)
        {
            ref readonly DeviceTensor input = ref inputs[index];
            ObjectDisposedException.ThrowIf(input.IsStale, typeof(DeviceTensor));
            Type(index, input.Type);
            Shape(index, input.Shape);
            shapes[index] = input.Shape;
        }

        Symbols(shapes);
    }

    /// <exception cref="ForwardException">Wrong number of inputs (text of torch_tensorrt).</exception>
    public void Arity(int given)
    {
        if (given != _graph.Inputs.Length)
        {
            throw new ForwardException(FailureKind.InvalidInput, $"Wrong number of inputs, expected {_graph.Inputs.Length} got {given}.");
        }
    }

    /// <summary>Puts their own values in place of inputs that were left out, where they have such.</summary>
    /// <param name="inputs">In the module's order; null where one was left out.</param>
    /// <exception cref="ForwardException">One that has to be given is missing.</exception>
    public void Complete(Span<Tensor?> inputs, int given)
    {
        for (int index = 0; given < inputs.Length && index < inputs.Length; index++)
        {
            inputs[index] ??= _graph.Tensors[_graph.Inputs[index]].Default;
            if (inputs[index] is null)
            {
                Arity(given);
            }
        }
    }

    /// <summary>Index of an input by its name.</summary>
    public int IndexOf(string name)
    {
        for (int index = 0; index < _graph.Inputs.Length; index++)
        {
            if (_graph.Tensors[_graph.Inputs[index]].Name == name)
            {
                return index;
            }
        }

        throw new ForwardException(
            FailureKind.InvalidInput,
            $"The module '{_graph.Model}' has no input '{name}'; it has {Names(_graph, _graph.Inputs)}."
        );
    }

    public void Type(int input, ElementType type)
    {
        GraphTensor tensor = _graph.Tensors[_graph.Inputs[input]];
        if (type != tensor.Type)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"Expected input tensors to have type {tensor.Type.ProtocolName()}, but the input '{tensor.Name}' is {(Enum.IsDefined(type) ? type.ProtocolName() : $"of the unknown type {(int)type}")}."
            );
        }
    }

    /// <summary>A tensor in host memory has as many bytes, or strings, as its type and shape say.</summary>
    public static void Size(Tensor input)
    {
        if (input.Type == ElementType.Bytes)
        {
            Strings(input);
            return;
        }

        bool isCountable = input.Type.TryGetByteCount(input.Shape, out long expected);
        if (!isCountable || input.Payload.Length != expected)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{input.Name}' holds {input.Payload.Length} bytes; its type {input.Type.ProtocolName()} and shape {input.Shape} imply {(isCountable ? expected : "more than can be addressed")}."
            );
        }
    }

    public void Shape(int input, in TensorShape shape)
    {
        GraphTensor tensor = _graph.Tensors[_graph.Inputs[input]];
        if (!shape.IsConcrete || !(tensor.IsRankFree || shape.Fits(tensor.Shape)))
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{tensor.Name}' has the shape {shape}; the module '{_graph.Model}' expects {tensor.Shape}, where -1 is free."
            );
        }

        if (tensor.Range is { } range && !range.Admits(shape))
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The input '{tensor.Name}' has the shape {shape}; the module '{_graph.Model}' admits {range.Min} to {range.Max}."
            );
        }
    }

    /// <summary>Free dimensions of one name are equal; checked when every shape is known.</summary>
    public void Symbols(ReadOnlySpan<TensorShape> shapes)
    {
        foreach (SymbolUse use in _symbols)
        {
            long first = shapes[use.FirstInput][use.FirstAxis],
                other = shapes[use.Input][use.Axis];
            if (first != other)
            {
                throw new ForwardException(
                    FailureKind.InvalidInput,
                    $"The dimension '{use.Symbol}' is {first} in '{InputName(use.FirstInput)}' and {other} in '{InputName(use.Input)}'; the module '{_graph.Model}' wants them equal."
                );
            }
        }
    }

    /// <summary>Index of an output by its name.</summary>
    public int OutputIndexOf(string name)
    {
        for (int index = 0; index < _graph.Outputs.Length; index++)
        {
            if (_graph.Tensors[_graph.Outputs[index]].Name == name)
            {
                return index;
            }
        }

        throw new ForwardException(
            FailureKind.InvalidInput,
            $"The module '{_graph.Model}' has no output '{name}'; it has {Names(_graph, _graph.Outputs)}."
        );
    }

    private static void Strings(Tensor input)
    {
        string? problem =
            !input.Shape.TryGetElementCount(out long strings) ? $"its shape {input.Shape} has more elements than can be counted"
            : input.Payload.Elements != strings ? $"it has {input.Payload.Elements} strings, its shape asks for {strings}"
            : TensorValidation.CheckStrings(strings, input.Data.Span);
        if (problem is not null)
        {
            throw new ForwardException(FailureKind.InvalidInput, $"The input '{input.Name}' holds no strings of its shape: {problem}.");
        }
    }

    private string InputName(int input) => _graph.Tensors[_graph.Inputs[input]].Name;

    private static string Names(ModuleGraph graph, TensorIndex[] tensors) =>
        string.Join(", ", tensors.Select(tensor => $"'{graph.Tensors[tensor].Name}'"));

    private static IEnumerable<SymbolUse> SharedSymbols(ModuleGraph graph)
    {
        var first = new Dictionary<string, (int Input, int Axis)>(StringComparer.Ordinal);
        for (int input = 0; input < graph.Inputs.Length; input++)
        {
            IReadOnlyList<string> symbols = graph.Tensors[graph.Inputs[input]].Symbols;
            for (int axis = 0; axis < symbols.Count; axis++)
            {
                if (symbols[axis].Length > 0 && !first.TryAdd(symbols[axis], (input, axis)))
                {
                    (int firstInput, int firstAxis) = first[symbols[axis]];
                    yield return new SymbolUse(symbols[axis], firstInput, firstAxis, input, axis);
                }
            }
        }
    }

    private readonly record struct SymbolUse(string Symbol, int FirstInput, int FirstAxis, int Input, int Axis);
}
