namespace Troupe.Runtime.Specs;

/// <summary>Who says that an output shares an input's memory.</summary>
public enum AliasKind
{
    /// <summary>The engine itself enforces it (torch_tensorrt: <c>kv_cache_update</c>).</summary>
    KvCacheUpdate,

    /// <summary>Declared by the module's author (torch_tensorrt: <c>user</c>).</summary>
    User,
}

/// <summary>An output that is written in place of an input: both are bound to one address, which belongs to the caller.</summary>
public sealed record AliasSpec(string Output, string Input, AliasKind Kind);
