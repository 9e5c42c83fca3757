using Troupe.Runtime.Cuda;

namespace Troupe.TestSupport.Cuda;

/// <summary>Makes the driver that a contract test runs against: emulated devices, a real GPU, or another binding.</summary>
/// <remarks>A fixture is made per test. Internal members: friend assemblies derive from it, the port itself is not public.</remarks>
public abstract class DriverFixture : IDisposable
{
    /// <summary>Why the tests cannot run here, or null when they can: they are then skipped with this text.</summary>
    public virtual string? SkipReason => null;

    /// <summary>The driver under test, with <see cref="ContractKernels"/> available. Called once, and only without a
    /// <see cref="SkipReason"/>.</summary>
    internal abstract ICudaDriver Open();

    /// <summary>True where work runs inside the enqueuing call: nothing is ever in flight there.</summary>
    public virtual bool RunsAtEnqueue => false;

    /// <summary>Whether tests may break the device: on a real GPU a fault ends the whole process, so such tests want a process of their
    /// own.</summary>
    public virtual string? NoFaultsReason => null;

    /// <summary>Called after each test, with all handles given back: emulated drivers check for leaks here.</summary>
    internal virtual void Close(ICudaDriver driver) { }

    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) { }
}
