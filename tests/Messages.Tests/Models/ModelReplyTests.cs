using Troupe.Messages.Models;

namespace Troupe.Messages.Tests.Models;

/// <summary>What a load or unload is answered with is a closed family.</summary>
public sealed class ModelReplyTests
{
    [Fact]
    public void Loaded_unloaded_and_failed_are_all()
    {
        Type[] cases = [.. typeof(ModelReply).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(ModelReply)))];
        Assert.Contains(typeof(ModelReply.Loaded), cases);
        Assert.Contains(typeof(ModelReply.Unloaded), cases);
        Assert.Contains(typeof(ModelReply.Failed), cases);
        Assert.All(cases, type => Assert.True(type.IsSealed));
    }

    [Fact]
    public void A_load_by_name_asks_for_the_newest_version_of_the_repository()
    {
        LoadModel load = new("fmnist");
        Assert.Equal("fmnist", load.Name);
        Assert.Null(load.Number);
    }
}
