using System.Diagnostics.CodeAnalysis;
using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Output shapes by the input shapes of the run that gave them; those that were asked for longest ago make room for
/// others.</summary>
/// <remarks><b>Thread</b> one at a time. Asking allocates nothing.</remarks>
internal sealed class LearnedShapes(int capacity)
{
    private readonly Dictionary<TensorShape[], LinkedListNode<(TensorShape[] Inputs, TensorShape[] Outputs)>> _byInputs = new(
        new ShapesComparer()
    );

    /// <summary>Last asked for stands last.</summary>
    private readonly LinkedList<(TensorShape[] Inputs, TensorShape[] Outputs)> _byUse = new();

    public TensorShape[]? Find(ReadOnlySpan<TensorShape> inputs)
    {
        if (
            !_byInputs
                .GetAlternateLookup<ReadOnlySpan<TensorShape>>()
                .TryGetValue(inputs, out LinkedListNode<(TensorShape[] Inputs, TensorShape[] Outputs)>? found)
        )
        {
            return null;
        }

        if (found.Next is not null)
        {
            _byUse.Remove(found);
            _byUse.AddLast(found);
        }

        return found.Value.Outputs;
    }

    /// <summary>Remembers shapes that are not remembered yet.</summary>
    public void Add(ReadOnlySpan<TensorShape> inputs, ReadOnlySpan<TensorShape> outputs)
    {
        if (_byInputs.Count == capacity)
        {
            _byInputs.Remove(_byUse.First!.Value.Inputs);
            _byUse.RemoveFirst();
        }

        TensorShape[] key = inputs.ToArray();
        _byInputs.Add(key, _byUse.AddLast((key, outputs.ToArray())));
    }

    private sealed class ShapesComparer
        : IEqualityComparer<TensorShape[]>,
            IAlternateEqualityComparer<ReadOnlySpan<TensorShape>, TensorShape[]>
    {
        public bool Equals(TensorShape[]? x, TensorShape[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] TensorShape[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<TensorShape> alternate, TensorShape[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<TensorShape> alternate)
        {
            var hash = new HashCode();
            foreach (ref readonly TensorShape shape in alternate)
            {
                hash.Add(shape.GetHashCode());
            }

            return hash.ToHashCode();
        }

        public TensorShape[] Create(ReadOnlySpan<TensorShape> alternate) => alternate.ToArray();
    }
}
