using Troupe.Messages.Models;
using Troupe.TestSupport.Execution;

namespace Troupe.Actors.Tests.Node;

public sealed class TroupeNodeTests
{
    [Fact]
    public async Task A_loaded_model_answers_and_both_devices_take_part()
    {
        var platform = new FakePlatform(2);
        await using (LocalNode local = LocalNode.Start(platform))
        {
            ModelReply.Loaded loaded = await local.Load();
            Assert.Equal(2, loaded.Gpus.Length);
            var devices = new HashSet<int>();
            for (byte i = 0; i < 10; i++)
            {
                devices.Add((await local.MustSucceed(value: i)).Report.Gpu.Ordinal);
            }

            Assert.Equal([0, 1], devices.Order());
        }

        Assert.Equal(0, platform.Live);
        Assert.Equal(0, platform.Leased);
    }
}
