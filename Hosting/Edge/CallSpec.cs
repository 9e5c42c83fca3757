using Troupe.Messages.Forwarding;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Edge;

/// <summary>One inference, decoded and checked against its model, whatever protocol brought it.</summary>
/// <param name="Outputs">Names of the outputs wanted; empty means all.</param>
/// <param name="Parameters">Those without a meaning in the protocol itself; Troupe's modes of a call are among them.</param>
internal readonly record struct CallSpec(Tensor[] Inputs, string[] Outputs, InferParameter[] Parameters)
{
    /// <summary>Time until the caller's deadline; the default where the protocol carries none.</summary>
    public TimeSpan TimeLeft { get; init; } = Forward.DefaultTimeLeft;

    /// <summary>The caller's parameter <c>timeout</c>, in microseconds; 0: none. What it counts for is the model's queue policy to
    /// say.</summary>
    public ulong TimeoutMicroseconds { get; init; }

    /// <summary>From 1, the highest, to <see cref="ForwardPriority.Levels"/>; anything else is the default level.</summary>
    public ulong Priority { get; init; }

    /// <summary>The call named the version; otherwise its session or its modes may choose another.</summary>
    public bool NamesVersion { get; init; }

    /// <summary>W3C trace context of the caller, passed on unread.</summary>
    public string? TraceParent { get; init; }
}
