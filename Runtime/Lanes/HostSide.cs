namespace Troupe.Runtime.Lanes;

/// <summary>The host's side of a forward on tensors in host memory; the default where there is none.</summary>
/// <param name="Inputs">Where the inputs come from.</param>
/// <param name="Outputs">Who brings the outputs back, and says what is too much.</param>
internal readonly record struct HostSide(HostInputs? Inputs, HostOutputs? Outputs);
