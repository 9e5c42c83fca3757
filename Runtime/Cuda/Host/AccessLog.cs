namespace Troupe.Runtime.Cuda.Host;

/// <summary>Which work touched which bytes of one range.</summary>
internal sealed class AccessLog
{
}
