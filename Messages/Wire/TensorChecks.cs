using Troupe.Messages.Formatters;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Wire;

/// <summary>What makes tensors and their specs valid on the wire.</summary>
internal static class TensorChecks
{
    public static void Tensors(this WireCheck check, Tensor[]? tensors, string field)
    {
        check.Each(tensors, field, static (check, tensor) => check.Name(tensor.Name, "the name of a tensor"), WireLimits.Tensors);
        if (TensorValidation.Check(tensors) is { } problem)
        {
            check.Fail($"{field}: {problem}", "tensors with distinct names, whose data fits type and shape");
        }
    }

    public static void Specs(this WireCheck check, TensorSpec[]? specs, string field) =>
        check.Each(
            specs,
            field,
            static (check, spec) =>
            {
                check.Name(spec.Name, "the name of a tensor");
                check.Defined(spec.Type, "the type of a tensor");
            }
        );
}
