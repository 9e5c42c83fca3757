using MessagePack;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>Where a mode holds, as selectors that all must match; none set is the whole cluster.</summary>
/// <remarks>Precedence, per setting: call &gt; session &gt; model on a GPU &gt; model &gt; GPU &gt; node &gt; cluster. A call's own change
/// travels inside its forward and has no scope value.</remarks>
[MessagePackObject]
public sealed record ModeScope(
    [property: Key(0)] NodeId? Node = null,
    [property: Key(1)] GpuId? Gpu = null,
    [property: Key(2)] ModelReference? Model = null,
    [property: Key(3)] SessionId? Session = null
)
{
    public static ModeScope Cluster { get; } = new();
}
