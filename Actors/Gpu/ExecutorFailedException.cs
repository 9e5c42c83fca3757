namespace Troupe.Actors.Gpu;

/// <summary>An executor has failed; its supervisor stops it for good and makes another.</summary>
internal sealed class ExecutorFailedException(Exception cause) : Exception(cause.Message, cause);
