using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Containers;

/// <summary>One tensor as a container names it. Writers may leave type and shape out: then the type is empty and the shape too.</summary>
/// <param name="DataType">PyTorch's name, e.g. <c>float32</c>; empty where not told.</param>
/// <param name="Shape">-1 where a dimension is free; an empty list where not told, or a scalar.</param>
public sealed record ContainerTensor(string Name, string DataType, IReadOnlyList<long> Shape, bool IsInput)
{
    /// <summary>The element type, or null where it is not told.</summary>
    public ElementType? Type => ScalarTypes.TryParse(DataType, out ElementType type) ? type : null;
}
