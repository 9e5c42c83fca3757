using System.Threading.Tasks.Sources;
using Troupe.Actors.Forwards;
using Troupe.Messages.Forwarding;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Edge;

/// <summary>Waits for the one reply to one forward.</summary>
/// <remarks><b>Thread</b> completed by any; the waiter goes on in the pool, so that the router's thread never writes to a socket.</remarks>
/// <param name="leasesFrom">Where the outputs of the reply are on lease from, the waiter's to release; null: they own their bytes.</param>
internal sealed class ForwardCall(HostMemory? leasesFrom = null) : IForwardSink, IValueTaskSource<ForwardReply>
{
    private ManualResetValueTaskSourceCore<ForwardReply> _core = new() { RunContinuationsAsynchronously = true };

    /// <summary>The reply; to be awaited once.</summary>
    public ValueTask<ForwardReply> Reply => new(this, _core.Version);

    public HostMemory? LeasesFrom => leasesFrom;

    public void Complete(ForwardReply reply) => _core.SetResult(reply);

    ForwardReply IValueTaskSource<ForwardReply>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ForwardReply>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<ForwardReply>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags
    ) => _core.OnCompleted(continuation, state, token, flags);
}
