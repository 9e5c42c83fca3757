using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>One inference request, read and checked against the model: the parts of a forward and how its answer is wanted.</summary>
/// <remarks><b>Owns</b> its inputs until they are handed on.</remarks>
internal sealed class InferRequest : IDisposable
{
    public required InferContract Contract { get; init; }

    /// <summary>The client's own id, echoed; empty when there is none.</summary>
    public string Id { get; init; } = "";

    /// <summary>Bytes of an id that is not valid UTF-8, to be echoed as they came; null where <see cref="Id"/> says it all.</summary>
    public byte[]? RawId { get; init; }

    public required Tensor[] Inputs { get; init; }

    /// <summary>Names for <c>Forward.Outputs</c>, each once; empty means all.</summary>
    public string[] Outputs { get; init; } = [];

    /// <summary>How each of <see cref="Outputs"/> is wanted, in the same order.</summary>
    public OutputForm[] Forms { get; init; } = [];

    /// <summary>Whether outputs are answered in binary where none are listed.</summary>
    public bool BinaryByDefault { get; init; }

    /// <summary>Parameter <c>timeout</c>; 0: none.</summary>
    public ulong TimeoutMicroseconds { get; init; }

    /// <summary>Parameter <c>priority</c>; 0: the default level.</summary>
    public ulong Priority { get; init; }

    /// <summary>Parameters without a meaning in the protocol itself, in their order; Troupe's modes of a call are among them.</summary>
    public InferParameter[] Parameters { get; init; } = [];

    /// <summary>Ends the leases of inputs that were not handed on.</summary>
    public void Dispose() => Inputs.ReleaseHeld();

    /// <summary>How an output of this name is wanted.</summary>
    public OutputForm FormOf(string output)
    {
        for (int i = 0; i < Outputs.Length; i++)
        {
            if (string.Equals(Outputs[i], output, StringComparison.Ordinal))
            {
                return Forms[i];
            }
        }

        return new OutputForm(BinaryByDefault, 0);
    }
}

/// <summary>The form of one output in the answer.</summary>
/// <param name="Binary">Raw bytes after the JSON instead of <c>data</c>.</param>
/// <param name="Classes">Classification: how many of the highest values; 0: the tensor itself.</param>
internal readonly record struct OutputForm(bool Binary, ulong Classes);
