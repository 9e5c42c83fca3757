using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Tests.Modes;

public sealed class ModeRequestHandlerTests
{
    private static readonly ModeRequest[] Samples =
    [
        new SetMode(ModeScope.Cluster, ModeChange.None),
        new UnsetMode(ModeScope.Cluster, ["profile"]),
        new EnterMode(ModeScope.Cluster, ModeChange.None, TimeSpan.FromMinutes(1)),
        new RenewMode(new ModeToken(Guid.Empty), TimeSpan.FromMinutes(1)),
        new ExitMode(new ModeToken(Guid.Empty)),
        new GetModes(ModeScope.Cluster),
        new ExplainModes(ModeScope.Cluster),
        new GetAudit(ModeScope.Cluster),
        new OpenSession(TimeSpan.FromMinutes(1)),
        new RenewSession(new SessionId(Guid.Empty), TimeSpan.FromMinutes(1)),
        new CloseSession(new SessionId(Guid.Empty)),
    ];

    [Fact]
    public void There_is_a_sample_of_every_request()
    {
        IEnumerable<Type> family = typeof(ModeRequest).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(ModeRequest)));
        Assert.Equal(family.ToHashSet(), Samples.Select(sample => sample.GetType()).ToHashSet());
    }

    [Fact]
    public void A_directory_answers_every_request_once()
    {
        foreach (ModeRequest request in Samples)
        {
            Assert.NotNull(new ModeCluster(nodes: 1).Ask(0, request));
        }
    }
}
