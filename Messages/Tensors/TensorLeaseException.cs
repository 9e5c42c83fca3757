namespace Troupe.Messages.Tensors;

/// <summary>A lease was used, handed on or released by somebody whose it is not, or is no longer: a defect of whoever did.</summary>
public sealed class TensorLeaseException(string message) : InvalidOperationException(message);
