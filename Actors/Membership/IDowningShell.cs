using Troupe.Actors.Decisions;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Membership;

/// <summary>What a decision about a partition asks of whoever carries it out.</summary>
internal interface IDowningShell : IShell<DownMember>
{
    void Down(NodeId member);
}
