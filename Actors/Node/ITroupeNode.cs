using Troupe.Actors.Counts;
using Troupe.Actors.Forwards;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Node;

/// <summary>A running node as its edge sees it: everything Hosting asks of Actors goes through here.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never; the answers come by task or sink.</remarks>
public interface ITroupeNode
{
    NodeId Id { get; }

    NodeIncarnation Incarnation { get; }

    /// <summary>The newest snapshot of every known node, this one included; replaced whole at each change.</summary>
    ClusterView View { get; }

    /// <summary>What the instances on this node's devices have counted, at most a few snapshot intervals old.</summary>
    IReadOnlyList<InstanceSnapshot> Instances { get; }

    /// <summary>How a version that is loaded on this node is configured, or was fetched; null of others.</summary>
    ModelConfiguration? ConfigurationOf(ModelVersion model);

    /// <summary>Which version a forward of this model takes that names none; what <see cref="ClusterView.Newest"/> says of the newest goes
    /// with it.</summary>
    VersionRule VersionRuleOf(string model, SessionId? session = null, ModeChange? call = null) => VersionRule.Default;

    /// <summary>How a version is configured that only other nodes have; <see cref="ConfigurationOf"/> knows it from then on.</summary>
    /// <returns>Null where none of them could say it in time.</returns>
    /// <exception cref="ModuleLoadException">What came is no configuration of the model.</exception>
    Task<ModelConfiguration?> FetchConfigurationAsync(ModelVersion model, CancellationToken cancellation) =>
        Task.FromResult(ConfigurationOf(model));

    /// <summary>What has become of the memory of this node's devices, by ordinal, as last seen.</summary>
    IReadOnlyList<MemoryCounts> Memory => [];

    /// <summary>What holds in this node's copy of the mode directory.</summary>
    ModeCounts Modes { get; }

    /// <summary>What this node's router has counted under the mode <c>audit</c>, by kind of the scope that asked for it; for one scope
    /// alone see <see cref="GetAudit"/>.</summary>
    IReadOnlyList<KeyValuePair<string, AuditTally>> Audit { get; }

    /// <summary>What came over the control plane and was dropped since the start, by reason.</summary>
    IReadOnlyList<KeyValuePair<ForeignReason, long>> ForeignMessages => [];

    RequestId NextRequestId();

    /// <summary>Hands a forward to this node's router, inputs on lease included: they are the router's from here on. The sink gets exactly
    /// one terminal reply, whatever dies, and with it those leases end.</summary>
    void Forward(Forward forward, IForwardSink sink);

    void Cancel(RequestId id);

    /// <summary>Loads on <paramref name="node"/> (null: this one). Expected trouble is a <see cref="ModelReply.Failed"/>.</summary>
    Task<ModelReply> LoadAsync(LoadModel load, NodeId? node, CancellationToken cancellation);

    /// <summary>Loads on this node what the load brings along.</summary>
    Task<ModelReply> LoadGivenAsync(LoadModel load, GivenModel given, CancellationToken cancellation);

    Task<ModelReply> UnloadAsync(UnloadModel unload, NodeId? node, CancellationToken cancellation);

    /// <summary>One step of the conversation about modes. Expected trouble is a <see cref="ModeReply.Refused"/>.</summary>
    Task<ModeReply> ModesAsync(ModeRequest request, CancellationToken cancellation);

    /// <summary>Stops taking forwards and waits until those accepted are answered, at most <paramref name="bound"/>; false when some were
    /// not.</summary>
    Task<bool> DrainAsync(TimeSpan bound);
}
