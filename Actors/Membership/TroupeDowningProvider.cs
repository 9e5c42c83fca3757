using Akka.Actor;
using Akka.Cluster;
using Akka.Configuration;

namespace Troupe.Actors.Membership;

/// <summary>Akka's door to <see cref="DowningActor"/>: named in <c>akka.hocon</c>, made by Akka.Cluster.</summary>
public sealed class TroupeDowningProvider : IDowningProvider
{
    private readonly ActorSystem _system;
    private readonly Cluster _cluster;

    public TroupeDowningProvider(ActorSystem system, Cluster cluster)
    {
        _system = system;
        _cluster = cluster;
    }

    /// <summary>A removed member's work may be taken over at once: nothing in Troupe has a single writer.</summary>
    public TimeSpan DownRemovalMargin => TimeSpan.Zero;

    public Props DowningActorProps
    {
        get
        {
            Config config = _system.Settings.Config.GetConfig("troupe.downing");
            return DowningActor.Props(
                config.GetInt("majority-from"),
                config.GetString("role"),
                config.GetTimeSpan("stable-after"),
                _cluster
            );
        }
    }
}
