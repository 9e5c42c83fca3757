namespace Troupe.Runtime.Cuda.Emulated.Kernels;

/// <summary>Leaves a managed kernel that touched memory it had not declared; the emulator turns it into an illegal address.</summary>
internal sealed class IllegalAccessException(string message) : Exception(message);
