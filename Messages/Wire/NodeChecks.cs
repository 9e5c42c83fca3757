using Troupe.Messages.Formatters;
using Troupe.Messages.Nodes;

namespace Troupe.Messages.Wire;

/// <summary>What makes the snapshots of nodes valid.</summary>
internal static class NodeChecks
{
    public static void Snapshot(this WireCheck check, NodeSnapshot node)
    {
        check.Node(node.Node);
        check.NotNegative(node.Sequence, "the sequence of a snapshot");
        check.Each(node.Gpus, "the devices of a node", static (check, gpu) => check.Device(gpu));
        check.Each(node.Models, "the models of a node", static (check, model) => check.Snapshot(model));
        check.Text(node.Version, "the version of a node", WireLimits.NameBytes);
        check.NotNegative(node.WireLevel, "the wire level of a node");
        check.NotNegative(node.Residency, "the version of a node's models");
    }

    public static void Page(this WireCheck check, ResidencyPage page)
    {
        check.Node(page.Node);
        check.AtLeastOne(page.Version, "the version of a node's models");
        check.NotNegative(page.Index, "the index of a page");
        if (page.Index >= page.Count || page.Count > ResidencyPage.MostPages)
        {
            check.Fail($"it is page {page.Index} of {page.Count}", $"an index below the count, which is at most {ResidencyPage.MostPages}");
        }

        check.Each(page.Models, "the models of a page", static (check, model) => check.Snapshot(model));
    }

    private static void Device(this WireCheck check, GpuSnapshot gpu)
    {
        check.Gpu(gpu.Gpu);
        check.Text(gpu.Name, "the name of a device", WireLimits.NameBytes);
        check.Defined(gpu.Health, "the health of a device");
        check.Prose(gpu.Reason, "the reason of a device's health");
        check.NotNegative(gpu.Queued, "the number of forwards queued");
        check.NotNegative(gpu.QueueLimit, "the limit of a queue");
        check.NotNegative(gpu.InFlight, "the number of forwards in flight");
        check.NotNegative(gpu.MemoryUsedBytes, "the memory in use");
        check.NotNegative(gpu.MemoryTotalBytes, "the memory of a device");
    }
}
