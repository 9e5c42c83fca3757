using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Configuration;

/// <summary>A call that is made before a model is ready.</summary>
/// <param name="Count">How often.</param>
public sealed record WarmupRequest(string Name, IReadOnlyList<Tensor> Inputs, int Count);
