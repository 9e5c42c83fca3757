using Troupe.Actors.Node;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Edge;

/// <summary>What every endpoint works with: the node, the models it can forward to, and the counters.</summary>
/// <remarks><b>Thread</b> any. The catalogue follows the node's view; it is made anew at the first request after a change.</remarks>
internal sealed class NodeEdge(ITroupeNode node, ModelLedgers ledgers, EdgeSpec spec, HostMemory memory)
{
    private readonly FetchedConfigurations _fetched = new(node, TimeProvider.System);
    private volatile ModelCatalogue? _catalogue;
    private volatile bool _isStarting;

    public ITroupeNode Node => node;

    public ModelLedgers Ledgers => ledgers;

    public EdgeSpec Spec => spec;

    /// <summary>What requests and answers are read into and written from.</summary>
    public RequestMemory Memory { get; } = new(memory, spec.MaxRequestMemoryBytes);

    /// <summary>True while the node loads what it was started with: alive, but not ready.</summary>
    public bool IsStarting
    {
        get => _isStarting;
        set => _isStarting = value;
    }

    /// <summary>Done with its first loads, not draining, no model of this node has failed unless readiness is lenient, and where the node
    /// has devices, one of them works.</summary>
    public bool IsReady
    {
        get
        {
            NodeSnapshot self = node.View.Nodes[0];
            return !IsStarting
                && !self.Draining
                && !(spec.StrictReadiness && self.Models.Any(model => model.HasFailed))
                && (self.Gpus.Length == 0 || self.Gpus.Any(gpu => gpu.Health is GpuHealth.Ready or GpuHealth.Rebuilding));
        }
    }

    /// <summary>The version that a call takes which names none, as the rule of its model says; null where nobody serves it.</summary>
    public ServedModel? Choose(string name, RequestId id, SessionId? session = null, ModeChange? call = null)
    {
        ModelCatalogue catalogue = Catalogue;
        VersionRule rule = node.VersionRuleOf(name, session, call);
        int? newest = catalogue.Newest(name);
        if (session is not null || call?.Version is not null)
        {
            // They may say another share of devices than the model, by which the router goes.
            newest = rule.Newest(catalogue.Devices(name), newest);
        }

        return
            rule.Choose(VersionRule.Draw(session, id), newest, number => catalogue.TryFind(name, number, out ServedModel? _)) is { } number
            && catalogue.TryFind(name, number, out ServedModel? model)
            ? model
            : null;
    }

    public ModelCatalogue Catalogue
    {
        get
        {
            ModelCatalogue? known = _catalogue;
            return known is not null && ReferenceEquals(known.View, node.View) ? known : MakeCatalogue(known);
        }
    }

    /// <summary>The same version as it is configured: what only other nodes have is asked of one of them, the first time.</summary>
    public ValueTask<ServedModel> ConfiguredAsync(ServedModel model) =>
        model.Own is not null || model.Here.Length > 0 ? ValueTask.FromResult(model) : new(FetchedAsync(model));

    private async Task<ServedModel> FetchedAsync(ServedModel model)
    {
        await _fetched.FetchAsync(model.Snapshot.Model);
        return
            node.ConfigurationOf(model.Snapshot.Model) is not null
            && MakeCatalogue(_catalogue).TryFind(model.Name, model.Number, out ServedModel? configured)
            ? configured
            : model;
    }

    private ModelCatalogue MakeCatalogue(ModelCatalogue? known)
    {
        ModelCatalogue made = ModelCatalogue.Of(node.View, spec.DefaultMaxBatchSize, node.ConfigurationOf, known);
        ledgers.Keep(made.All.Select(model => model.Snapshot.Model));
        _catalogue = made;
        return made;
    }
}
