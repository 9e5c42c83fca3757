namespace Troupe.Runtime.Memory;

/// <summary>The host lends no more memory at present: a limit is reached, or the machine has none.</summary>
public sealed class HostMemoryException(string message, Exception? cause = null) : Exception(message, cause);
