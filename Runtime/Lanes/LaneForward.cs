using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Lanes;

/// <summary>One forward as it is handed to a lane.</summary>
/// <param name="Inputs">Host tensors in any order, matched by name; they stay alive and unchanged until the submission is done.</param>
/// <param name="Outputs">Names wanted; empty means all.</param>
public readonly record struct LaneForward(Tensor[] Inputs, string[] Outputs);
