using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Counts;

/// <summary>Counts what becomes of the forwards of one scope, and of all of its kind.</summary>
/// <remarks><b>Owns</b> its numbers. <b>Thread</b> the router's counts, any reads. <b>Blocks</b> never.</remarks>
/// <param name="ofKind">Those of all scopes of its kind, which outlive it; null when it is them.</param>
internal sealed class AuditCounts(AuditCounts? ofKind)
{
    private static readonly FailureKind[] Kinds = [.. Enum.GetValues<FailureKind>().Where(kind => kind > 0)];

    private readonly long[] _failed = new long[Kinds.Length];
    private long _accepted;
    private long _succeeded;
    private long _redispatched;
    private long _executed;
    private long _late;

    public void Accept()
    {
        Add(ref _accepted);
        ofKind?.Accept();
    }

    public void Answer(ForwardReply reply)
    {
        if (reply is ForwardReply.Failed { Kind: var kind })
        {
            // A kind that a newer node sends counts as a defect, so that the sum is right.
            int index = Array.IndexOf(Kinds, kind);
            Add(ref _failed[index >= 0 ? index : Array.IndexOf(Kinds, FailureKind.Internal)]);
        }
        else
        {
            Add(ref _succeeded);
        }

        ofKind?.Answer(reply);
    }

    public void Redispatch()
    {
        Add(ref _redispatched);
        ofKind?.Redispatch();
    }

    public void Execute(bool isLate)
    {
        Add(ref _executed);
        if (isLate)
        {
            Add(ref _late);
        }

        ofKind?.Execute(isLate);
    }

    public AuditTally Read() =>
        new(
            Volatile.Read(ref _accepted),
            Volatile.Read(ref _succeeded),
            [.. Kinds.Select((kind, index) => new FailureTally(kind, Volatile.Read(ref _failed[index]))).Where(failed => failed.Count > 0)],
            Volatile.Read(ref _redispatched),
            Volatile.Read(ref _executed),
            Volatile.Read(ref _late)
        );

    /// <summary>It has one writer.</summary>
    private static void Add(ref long count) => Volatile.Write(ref count, count + 1);
}
