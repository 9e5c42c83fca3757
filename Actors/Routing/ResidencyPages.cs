using System.Text;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;

namespace Troupe.Actors.Routing;

/// <summary>What this node tells others of its models: with each snapshot while they are few, else in pages, on change and when asked
/// for.</summary>
/// <remarks>Knows no Akka; part of <see cref="RouterMembers"/> and of its thread.</remarks>
internal sealed class ResidencyPages
{
    /// <summary>Most bytes of models that travel with every snapshot.</summary>
    public const int InlineBytes = 8 << 10;

    /// <summary>Most bytes of a page, unless one model alone has more.</summary>
    public const int PageBytes = 48 << 10;

    private ModelSnapshot[] _models = [];
    private long _version;

    /// <summary>None where the models travel with the snapshot.</summary>
    public IReadOnlyList<ResidencyPage> Pages { get; private set; } = [];

    /// <summary>The snapshot as it travels.</summary>
    public NodeSnapshot Update(NodeSnapshot own)
    {
        if (!ReferenceEquals(own.Models, _models))
        {
            _models = own.Models;
            _version++;
            Pages = _models.Sum(BytesOf) <= InlineBytes ? [] : [.. Cut(own)];
        }

        return Pages.Count == 0 ? own : own with { Models = [], Residency = _version };
    }

    /// <summary>At least as many as it has on the wire.</summary>
    public static int BytesOf(ModelSnapshot model) =>
        96
        + Encoding.UTF8.GetByteCount(model.Model.Name)
        + Encoding.UTF8.GetByteCount(model.Reason)
        + Encoding.UTF8.GetByteCount(model.Platform)
        + model.Inputs.Sum(BytesOf)
        + model.Outputs.Sum(BytesOf)
        + model.Gpus.Sum(gpu => 16 + Encoding.UTF8.GetByteCount(gpu.Node.ToString()));

    private static int BytesOf(TensorSpec tensor) => 32 + Encoding.UTF8.GetByteCount(tensor.Name) + (9 * tensor.Shape.Rank);

    private IEnumerable<ResidencyPage> Cut(NodeSnapshot own)
    {
        List<ModelSnapshot[]> pages = [];
        List<ModelSnapshot> page = [];
        int bytes = 0;
        foreach (ModelSnapshot model in _models)
        {
            int more = BytesOf(model);
            if (page.Count > 0 && bytes + more > PageBytes)
            {
                pages.Add([.. page]);
                page.Clear();
                bytes = 0;
            }

            page.Add(model);
            bytes += more;
        }

        pages.Add([.. page]);
        int count = Math.Min(pages.Count, ResidencyPage.MostPages);
        return pages.Take(count).Select((models, index) => new ResidencyPage(own.Node, own.Incarnation, _version, index, count, models));
    }
}
