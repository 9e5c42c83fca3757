using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>A host function that holds a stream until the test opens it, so that "in flight" is a fact and not a race.</summary>
internal sealed class GateFunction : HostFunction
{
    private readonly ManualResetEventSlim _gate = new();

    public override void Invoke() => Assert.True(_gate.Wait(TimeSpan.FromSeconds(60)), "The gate was not opened within 60 s.");

    /// <summary>Holds a stream. False where work runs at enqueue: there nothing can be in flight, and the gate is left open.</summary>
    public bool Blocks(ContractDevice device, CuStream stream)
    {
        if (device.RunsAtEnqueue)
        {
            _gate.Set();
        }

        ContractDevice.Ok(device.Driver.LaunchHostFunc(stream, this));
        return !device.RunsAtEnqueue;
    }

    public void Open() => _gate.Set();

    public override void Dispose()
    {
        base.Dispose();
        _gate.Dispose();
    }
}
