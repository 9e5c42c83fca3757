using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Lanes;

/// <summary>The block that a tensor of the forward under way lies in.</summary>
/// <param name="Block">Null where it lies in an arena, or nowhere yet.</param>
/// <param name="Offset">Bytes from the start of the block.</param>
/// <param name="IsGiven">It is an input of the forward.</param>
internal readonly record struct TensorPlace(DeviceBlock? Block, ulong Offset, bool IsGiven);
