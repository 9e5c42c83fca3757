using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>The shapes of a module's tensors for one combination of inputs, each fixed once: the inputs' at the start, the others' as
/// segments tell them.</summary>
/// <remarks>Complete, they change no more. Where shapes depend on data they are completed while the forward runs, and are good for that one
/// alone. <b>Thread</b> the lane's holder.</remarks>
internal sealed class ForwardShapes
{
    /// <summary>Of one tensor: 256 TiB, so that sums of them do not overflow.</summary>
    private const long MaxBytes = 1L << 48;

    private readonly ModuleGraph _graph;
    private readonly Table<TensorIndex, TensorShape> _shapes;
    private readonly Table<TensorIndex, ulong> _bytes;
    private readonly Table<TensorIndex, bool> _isKnown;
    private readonly Table<SegmentIndex, int> _profiles;
    private int _unknown;

    public ForwardShapes(ModuleGraph graph, PlanKey key)
    {
        _graph = graph;
        Key = key;
        _shapes = new(graph.Tensors.Count);
        _bytes = new(graph.Tensors.Count);
        _isKnown = new(graph.Tensors.Count);
        _profiles = new(graph.Segments.Count);
        _unknown = graph.Tensors.Count;
        for (int input = 0; input < graph.Inputs.Length; input++)
        {
            Fix(graph.Inputs[input], key.Inputs[input]);
        }
    }

    public PlanKey Key { get; }

    /// <summary>Every shape is known, so that nothing needs to be measured.</summary>
    public bool IsComplete => _unknown == 0;

    /// <summary>By segment: the optimization profile it runs under.</summary>
    public ReadOnlySpan<int> Profiles => _profiles.Items;

    public ref readonly TensorShape this[TensorIndex tensor] => ref _shapes[tensor];

    public bool IsKnown(TensorIndex tensor) => _isKnown[tensor];

    public bool AreKnown(ReadOnlySpan<TensorIndex> tensors)
    {
        foreach (TensorIndex tensor in tensors)
        {
            if (!_isKnown[tensor])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>What it takes on a device.</summary>
    public ulong BytesOf(TensorIndex tensor) => _bytes[tensor];

    public int ProfileOf(SegmentIndex segment) => _profiles[segment];

    public void SetProfile(SegmentIndex segment, int profile) => _profiles[segment] = profile;

    /// <exception cref="InvalidOperationException">It is known already.</exception>
    /// <exception cref="ForwardException">It has more bytes than any device.</exception>
    public void Fix(TensorIndex tensor, in TensorShape shape)
    {
        if (_isKnown[tensor])
        {
            throw new InvalidOperationException($"The shape of '{_graph.Tensors[tensor].Name}' is known already.");
        }

        // Strings take nothing of a device, however many there are.
        long bytes = 0;
        bool isCountable = _graph.Tensors[tensor].IsOnHost
            ? shape.TryGetElementCount(out _)
            : _graph.Tensors[tensor].Type.TryGetByteCount(shape, out bytes);
        if (!isCountable || bytes > MaxBytes)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The tensor '{_graph.Tensors[tensor].Name}' would have the shape {shape}, which takes more bytes than any device has."
            );
        }

        _shapes[tensor] = shape;
        _bytes[tensor] = (ulong)bytes;
        _isKnown[tensor] = true;
        _unknown--;
    }
}
