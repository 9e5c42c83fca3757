using Troupe.Messages.Identity;

namespace Troupe.Messages.Wire;

/// <summary>What makes ids valid.</summary>
internal static class IdentityChecks
{
    public static void Node(this WireCheck check, NodeId node) => check.Name(node.Address, "the address of a node");

    public static void Gpu(this WireCheck check, GpuId gpu)
    {
        check.Node(gpu.Node);
        check.NotNegative(gpu.Ordinal, "the ordinal of a device");
    }

    public static void Version(this WireCheck check, ModelVersion? model)
    {
        check.Present(model, "the model version");
        check.Name(model.Name, "the name of a model");
        check.NotNegative(model.Number, "the version of a model");
    }

    public static void Reference(this WireCheck check, ModelReference model)
    {
        check.Name(model.Name, "the name of a model");
        check.NotNegative(model.Number ?? 0, "the version of a model");
    }
}
