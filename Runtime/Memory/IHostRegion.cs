namespace Troupe.Runtime.Memory;

/// <summary>Host memory that a pool lends pieces of, until it is disposed.</summary>
internal interface IHostRegion : IDisposable
{
    nint Address { get; }
}
