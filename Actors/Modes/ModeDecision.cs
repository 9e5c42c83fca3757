using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Modes;

/// <summary>What a mode directory has decided; its actor does it.</summary>
internal abstract record ModeDecision : IDecision<IModeShell>
{
    private ModeDecision() { }

    public abstract void ApplyTo(IModeShell shell);

    public sealed record Send(NodeId To, IModeDirectoryMessage Message) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.Send(To, Message);
    }

    public sealed record Answer(IReplyTo<ModeReply> Asker, ModeReply Reply) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.Answer(Asker, Reply);
    }

    public sealed record TellGpu(GpuId Gpu, IGpuModesRequest Request) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.TellGpu(Gpu, Request);
    }

    public sealed record Watch(string Owner) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.Watch(Owner);
    }

    public sealed record Unwatch(string Owner) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.Unwatch(Owner);
    }

    public sealed record Synchronized(NodeId Peer) : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.Synchronized(Peer);
    }

    public sealed record Ready : ModeDecision
    {
        public override void ApplyTo(IModeShell shell) => shell.BecomeReady();
    }
}
