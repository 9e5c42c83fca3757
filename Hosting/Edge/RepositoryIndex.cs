using Troupe.Messages.Models;

namespace Troupe.Hosting.Edge;

/// <summary>Which models there are, served or not: what every node tells of its own, and what else stands in this node's
/// repositories.</summary>
internal static class RepositoryIndex
{
    /// <summary>Every model version, by name and then number.</summary>
    public static IndexedModel[] Of(NodeEdge edge)
    {
        SortedDictionary<(string Name, int Number), IndexedModel> entries = [];
        foreach (ModelSnapshot model in edge.Node.View.Nodes.SelectMany(node => node.Models))
        {
            (string, int) key = (model.Model.Name, model.Model.Number);
            if (!entries.TryGetValue(key, out IndexedModel? known) || known.State != ModelState.Ready)
            {
                entries[key] = new IndexedModel(model.Model.Name, model.Model.Number, model.State, model.Reason);
            }
        }

        HashSet<string> shown = [.. entries.Values.Select(entry => entry.Name)];
        foreach (string name in (edge.Spec.Repository?.Names() ?? []).Where(name => !shown.Contains(name)))
        {
            entries[(name, 0)] = new IndexedModel(name, null, null, "");
        }

        return [.. entries.Values];
    }

    /// <summary>The protocol's word for a state.</summary>
    public static string StateWord(ModelState state) =>
        state switch
        {
            ModelState.Unknown => "UNKNOWN",
            ModelState.Loading => "LOADING",
            ModelState.Ready => "READY",
            ModelState.Unloading => "UNLOADING",
            ModelState.Unavailable => "UNAVAILABLE",
        };
}
