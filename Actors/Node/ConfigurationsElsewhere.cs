using Akka.Actor;
using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Configuration;
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

    public async Task<ModelConfiguration?> FetchAsync(ModelVersion model, CancellationToken cancellation)
    {
        (NodeId Node, ModelSnapshot Model)? holder = Holder(model);
        byte[] whole = [];
        for (int read = 0; holder is { } there && configurations.Of(model) is null; )
        {
            var end = new ConversationEnd<ConfigurationPart>((_, _) => new ConfigurationPart(default, 0, default));
            gateway.Tell(
                new Converse(new GetConfigurationPart(model, read), null, there.Node, end, FetchBound, cancellation),
                ActorRefs.NoSender
            );
            ConfigurationPart part = await end.Reply;
            if (part.Length is <= 0 or > MostConfigurationBytes || part.Bytes.IsEmpty || part.Bytes.Length > part.Length - read)
            {
                return null;
            }

            whole = read == 0 ? new byte[part.Length] : whole;
            part.Bytes.CopyTo(whole.AsMemory(read));
            read += part.Bytes.Length;
            if (read == whole.Length)
            {
                ModelSnapshot said = there.Model;
                var module = new ModuleSpec(model, said.Platform, said.Inputs, said.Outputs, [], said.SafeToResend);
                configurations.Add(model, ModelConfiguration.FromBytes(whole, module));
            }
        }

        return configurations.Of(model);
    }

    /// <summary>A node that says that it serves this very content.</summary>
    private (NodeId Node, ModelSnapshot Model)? Holder(ModelVersion model)
    {
        ClusterView view = views.View;
        foreach (NodeSnapshot node in view.Nodes.Where(node => node.Node != self && !view.Unreachable.Contains(node.Node)))
        {
            if (Array.Find(node.Models, known => known.Model == model && known.State == ModelState.Ready) is { } found)
            {
                return (node.Node, found);
            }
        }

        return null;
    }
}
