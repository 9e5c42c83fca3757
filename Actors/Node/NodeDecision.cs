using Troupe.Actors.Decisions;
using Troupe.Actors.Gpu;
using Troupe.Actors.Membership;
using Troupe.Actors.Routing;

namespace Troupe.Actors.Node;

/// <summary>One thing a node's core wants done.</summary>
internal abstract record NodeDecision : IDecision<INodeShell>
{
    private NodeDecision() { }

    public abstract void ApplyTo(INodeShell shell);

    public sealed record Start(ExecutorGroup Group) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.StartExecutor(Group);
    }

    public sealed record StartLater(ExecutorGroup Group, TimeSpan Pause) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.StartExecutorLater(Group, Pause);
    }

    public sealed record Stop(ExecutorGroup Group) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.StopExecutor(Group);
    }

    public sealed record ReportLoss(ExecutorGroup Group, ExecutorLost Lost) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.ReportLoss(Group, Lost);
    }

    public sealed record TellGpu(int Ordinal, INodeToGpu Message) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.TellGpu(Ordinal, Message);
    }

    public sealed record TellModels(DeviceGone Gone) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.TellModels(Gone);
    }

    public sealed record Publish(OwnSnapshot Own) : NodeDecision
    {
        public override void ApplyTo(INodeShell shell) => shell.TellRouter(Own);
    }
}
