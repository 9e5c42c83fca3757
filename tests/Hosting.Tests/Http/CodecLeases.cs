using Troupe.Hosting.Tests.Http;
using Troupe.Runtime.Memory;

[assembly: AssemblyFixture(typeof(CodecLeases))]

namespace Troupe.Hosting.Tests.Http;

/// <summary>When all tests are over, none has left a lease of <see cref="TestMemory"/>; nodes are asked by their own fixtures.</summary>
public sealed class CodecLeases : IDisposable
{
    public void Dispose()
    {
        HostMemorySnapshot left = TestMemory.Host.Snapshot();
        Assert.Equal((0, 0), (left.Leases, left.Forgotten));
    }
}
