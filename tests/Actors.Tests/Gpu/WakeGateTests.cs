using Troupe.Actors.Gpu;

namespace Troupe.Actors.Tests.Gpu;

/// <summary>The gate alone; how its executor uses it, <see cref="ExecutorLaunchesTests"/> tries in every order.</summary>
public sealed class WakeGateTests
{
    [Fact]
    public void While_it_is_closed_wakes_give_no_signal_and_opened_it_gives_one()
    {
        int signals = 0;
        var gate = new WakeGate(() => signals++);
        gate.Close();
        gate.Wake();
        Assert.Equal(0, signals);
        gate.Open();
        gate.Wake();
        gate.Wake();
        Assert.Equal(1, signals);
    }
}
