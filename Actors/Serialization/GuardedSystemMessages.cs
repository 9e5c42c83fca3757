using Akka.Actor;
using Akka.Dispatch.SysMsg;
using Akka.Remote.Serialization;

namespace Troupe.Actors.Serialization;

/// <summary>Of Akka's system messages those by which an actor here is watched from elsewhere, and one elsewhere from here.</summary>
/// <remarks><b>Thread</b> any. Nobody makes an actor watch, suspends, resumes or ends one from afar, or tells it that one of this node has
/// died.</remarks>
public sealed class GuardedSystemMessages(ExtendedActorSystem system)
    : GuardedSerializer(system, 22, new SystemMessageSerializer(system), [Watching, Unwatching, Death])
{
    private const string Watching = "Akka.Dispatch.SysMsg.Watch, Akka";
    private const string Unwatching = "Akka.Dispatch.SysMsg.Unwatch, Akka";
    private const string Death = "Akka.Dispatch.SysMsg.DeathWatchNotification, Akka";

    /// <inheritdoc />
    private protected override Type? TypeOf(string manifest) =>
        manifest switch
        {
            Watching => typeof(Watch),
            Unwatching => typeof(Unwatch),
            Death => typeof(DeathWatchNotification),
            _ => null,
        };

    /// <inheritdoc />
    private protected override bool IsHarmless(object message) =>
        message switch
        {
            Watch watch => IsHere(watch.Watchee) && !IsHere(watch.Watcher),
            Unwatch unwatch => IsHere(unwatch.Watchee) && !IsHere(unwatch.Watcher),
            DeathWatchNotification death => !IsHere(death.Actor),
            _ => false,
        };

    private static bool IsHere(IActorRef actor) => actor is IActorRefScope { IsLocal: true };
}
