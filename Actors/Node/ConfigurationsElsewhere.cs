using Akka.Actor;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Node;

/// <summary>Fetches how versions are configured that only other nodes have.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class ConfigurationsElsewhere(NodeId self, IActorRef gateway, ClusterViewHolder views, ServedConfigurations configurations)
{
    /// <summary>Longest wait for a part of another node's configuration; a caller waits for it.</summary>
    private static readonly TimeSpan FetchBound = TimeSpan.FromSeconds(2);

    /// <summary>Labels included.</summary>
    private const int MostConfigurationBytes = 64 << 20;

    /// <summary>Most nodes that are asked, one after another.</summary>
    private const int MostAsked = 3;

    /// <exception cref="ModuleLoadException">None of them said it, and what came of one is no configuration of the model.</exception>
    public async Task<ModelConfiguration?> FetchAsync(ModelVersion model, CancellationToken cancellation)
    {
        ModuleLoadException? broken = null;
        foreach ((NodeId node, ModelSnapshot said) in Holders(model).Take(MostAsked))
        {
            if (configurations.Of(model) is null && await WholeAsync(node, model, cancellation) is { } whole)
            {
                var module = new ModuleSpec(model, said.Platform, said.Inputs, said.Outputs, [], said.SafeToResend);
                try
                {
                    configurations.Add(model, ModelConfiguration.FromBytes(whole, module));
                }
                catch (ModuleLoadException refused)
                {
                    broken = refused;
                }
            }
        }

        return configurations.Of(model) ?? (broken is null ? null : throw new ModuleLoadException(broken.Kind, broken.Message, broken));
    }

    /// <summary>All parts of what one node says; null where it does not say it in time, or says what cannot be.</summary>
    private async Task<byte[]?> WholeAsync(NodeId node, ModelVersion model, CancellationToken cancellation)
    {
        byte[]? whole = null;
        for (int read = 0; whole is null || read < whole.Length; )
        {
            var end = new ConversationEnd<ConfigurationPart>((_, _) => new ConfigurationPart(default, 0, default));
            gateway.Tell(
                new Converse(new GetConfigurationPart(model, read), null, node, end, FetchBound, cancellation),
                ActorRefs.NoSender
            );
            ConfigurationPart part = await end.Reply;
            if (
                part.Length is <= 0 or > MostConfigurationBytes
                || part.Length != (whole?.Length ?? part.Length)
                || part.Bytes.IsEmpty
                || part.Bytes.Length > part.Length - read
            )
            {
                return null;
            }

            whole ??= new byte[part.Length];
            part.Bytes.CopyTo(whole.AsMemory(read));
            read += part.Bytes.Length;
        }

        return whole;
    }

    /// <summary>The nodes that say that they serve this very content.</summary>
    private IEnumerable<(NodeId Node, ModelSnapshot Model)> Holders(ModelVersion model)
    {
        ClusterView view = views.View;
        return from node in view.Nodes
            where node.Node != self && !view.Unreachable.Contains(node.Node)
            from known in node.Models
            where known.Model == model && known.State == ModelState.Ready
            select (node.Node, known);
    }
}
