namespace Troupe.Runtime.Cuda;

/// <summary>There is no usable CUDA driver on this machine: what is missing, where it was looked for, and the fix.</summary>
public sealed class CudaUnavailableException(string message) : Exception(message);
