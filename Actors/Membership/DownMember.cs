using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>Declare this member down: the cluster goes on without it.</summary>
internal readonly record struct DownMember(NodeId Member) : IDecision<IDowningShell>
{
    public void ApplyTo(IDowningShell shell) => shell.Down(Member);
}
