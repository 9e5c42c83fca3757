using Troupe.Actors.Decisions;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Actors.Tests.Decisions;
using Troupe.Messages.Models;

namespace Troupe.Actors.Tests.Models;

/// <summary>Carries out a model directory's decisions by writing them down.</summary>
internal sealed class ModelRecorder : IModelShell
{
    private readonly List<ModelDecision> _applied = [];

    public DecisionQueue<ModelDecision, IModelShell> Queue { get; } = new();

    public Plant Plant { get; } = new();

    /// <summary>Told of a decision that threw.</summary>
    public Action<ModelDecision, Exception>? OnFailed { get; set; }

    /// <summary>Everything decided so far and not taken out.</summary>
    public List<ModelDecision> Applied
    {
        get
        {
            Queue.ApplyTo(this);
            return _applied;
        }
    }

    public void TellBuilder(IBuilderRequest request) => Note(ModelDecision.Builder(request));

    public void TellExecutor(int ordinal, AdoptInstance adopt) => Note(ModelDecision.Executor(ordinal, adopt));

    public void TellGpu(int ordinal, UnloadInstance unload) => Note(ModelDecision.Gpu(ordinal, unload));

    public void Announce(IReplyTo<ModelReply>? asker, ModelReply? reply) => Note(ModelDecision.Announce(asker, reply));

    public void Failed(in ModelDecision decision, Exception cause)
    {
        if (OnFailed is null)
        {
            throw new InvalidOperationException($"{decision.Action} failed.", cause);
        }

        OnFailed(decision, cause);
    }

    private void Note(ModelDecision decision)
    {
        Plant.Pass();
        _applied.Add(decision);
    }
}
