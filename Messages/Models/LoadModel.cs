using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Models;

/// <summary>Load a model on the addressed node, from its repository or from a path there.</summary>
/// <param name="Name">Name to serve it under.</param>
/// <param name="Number">Version; null takes the highest in the repository.</param>
/// <param name="Path">An <c>.onnx</c> file, a <c>module.json</c> or a folder that holds one, on the node's own disk; null asks its
/// repository.</param>
/// <param name="Gpus">Ordinals to load on; empty means every device of the node.</param>
/// <param name="Replaces">Contents that give way to it: a live version of the same number goes on until the new one is ready on its
/// devices, and those of other numbers that are not loaded again are unloaded then. Null: other content under a live number is
/// refused.</param>
[MessagePackObject]
public sealed record LoadModel(
    [property: Key(0)] string Name,
    [property: Key(1)] int? Number = null,
    [property: Key(2)] string? Path = null,
    [property: Key(3)] int[]? Gpus = null,
    [property: Key(4), AddedLater] ContentHash[]? Replaces = null
) : IModelRequest;

/// <summary>Unload a model from the addressed node; without a number, all its versions. Queued forwards finish first.</summary>
[MessagePackObject]
public sealed record UnloadModel([property: Key(0)] string Name, [property: Key(1)] int? Number = null) : IModelRequest;

/// <summary>The answer to <see cref="LoadModel"/> and <see cref="UnloadModel"/>.</summary>
[MessagePackObject]
[Union(0, typeof(Loaded))]
[Union(1, typeof(Unloaded))]
[Union(2, typeof(Failed))]
public abstract record ModelReply : IWireMessage
{
    private ModelReply() { }

    [MessagePackObject]
    public sealed record Loaded([property: Key(0)] ModelVersion Model, [property: Key(1)] GpuId[] Gpus) : ModelReply;

    [MessagePackObject]
    public sealed record Unloaded([property: Key(0)] string Name, [property: Key(1)] int[] Numbers) : ModelReply;

    [MessagePackObject]
    public sealed record Failed(
        [property: Key(0)] string Name,
        [property: Key(1)] FailureKind Kind,
        [property: Key(2), MessagePackFormatter(typeof(ProseFormatter))] string Detail
    ) : ModelReply;
}
