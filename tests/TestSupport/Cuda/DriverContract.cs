using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Base of the contract suite: each subclass states the verdicts of one area of the driver port, as CUDA gives them.</summary>
/// <remarks>
/// Derive a sealed public class per area and driver:
/// <c>public sealed class NativeMemoryTests : MemoryContract&lt;NativeDriverFixture&gt;;</c>.
/// Every expectation here must hold on a real GPU; what only the emulator promises belongs into its own tests.
/// </remarks>
public abstract class DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    /// <summary>A device with its primary context current on this thread; or, for tests that break their context, with a created
    /// one.</summary>
    internal static ContractDevice Open(bool ownContext = false, int devices = 1)
    {
        var fixture = new TFixture();
        if (fixture.SkipReason is { } reason)
        {
            Assert.Skip(reason);
        }

        ICudaDriver driver = fixture.Open();
        driver.DeviceGetCount(out int count);
        if (count < devices)
        {
            fixture.Close(driver);
            fixture.Dispose();
            Assert.Skip($"This test needs {devices} devices, there are {count}.");
        }

        return new ContractDevice(fixture, driver, ownContext);
    }

    /// <summary>Runs code on a thread of its own and hands its exception on.</summary>
    internal static void OnOtherThread(Action body)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                body();
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "The other thread did not end within 60 s.");
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }
}
