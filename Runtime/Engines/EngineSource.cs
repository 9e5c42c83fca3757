using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>The bytes of one segment's engine and what its module says about it.</summary>
/// <param name="Segment">Name for errors, counters and profiles, e.g. <c>_run_on_acc_0</c>.</param>
/// <param name="Path">The file the bytes came from; companion files lie beside it and nowhere above its folder.</param>
internal sealed record EngineSource(string Segment, string Path, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Inputs with values of their own may be given by whoever calls; else they are no inputs.</summary>
    public bool HasOptionalInputs { get; init; }

    /// <summary>The bytes came from no file: no companion lies beside them.</summary>
    public bool IsHeld { get; init; }

    /// <summary>Where companion files are written down, or what is required of them; null where nobody asks.</summary>
    public FileDigests? Files { get; init; }

    /// <summary>Aliases the module declares; the engine adds those it enforces itself.</summary>
    public IReadOnlyList<AliasSpec> Aliases { get; init; } = [];

    /// <summary>Input ranges the module declares (min, opt, max), by tensor name; engines without own profiles make one of them.</summary>
    public IReadOnlyDictionary<string, ProfileRange> Ranges { get; init; } = new Dictionary<string, ProfileRange>();
}
