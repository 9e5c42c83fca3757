using MessagePack;
using Troupe.Messages.Formatters;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Models;

/// <summary>State of a model version on one node, in the words of the V2 repository index.</summary>
public enum ModelState
{
    /// <summary>A state that a later version added: not one in which it serves.</summary>
    Unknown = -1,

    Loading = 1,
    Ready = 2,
    Unloading = 3,
    Unavailable = 4,
}

/// <summary>What one node says of one model version: state, tensors and where it is resident.</summary>
/// <param name="Model">The version; its hash is zero while loading has not read it yet.</param>
/// <param name="Reason">Why it is unavailable; empty otherwise.</param>
/// <param name="Platform">Back end in V2's words, e.g. <c>onnxruntime_onnx</c>; <c>troupe_module</c> for modules of several
/// segments.</param>
/// <param name="Gpus">Home devices on this node that admit forwards for it.</param>
/// <param name="SafeToResend">False where segments alias inputs or keep state, so that a forward must not run twice.</param>
/// <param name="IsRefused">It is unavailable because this node cannot do what it needs, which is no fault of the node's: it stays
/// ready.</param>
/// <param name="Generation">Of contents under one number the one with the higher is newer; forwards that name none take it.</param>
/// <param name="Awaited">Devices of this node that shall have it and do not at present: they are rebuilt, or it is brought back to
/// them.</param>
[MessagePackObject]
public sealed record ModelSnapshot(
    [property: Key(0)] ModelVersion Model,
    [property: Key(1)] ModelState State,
    [property: Key(2), MessagePackFormatter(typeof(ProseFormatter))] string Reason,
    [property: Key(3)] string Platform,
    [property: Key(4)] TensorSpec[] Inputs,
    [property: Key(5)] TensorSpec[] Outputs,
    [property: Key(6)] GpuId[] Gpus,
    [property: Key(7)] bool SafeToResend,
    [property: Key(8), AddedLater] bool IsRefused = false,
    [property: Key(9), AddedLater] int Generation = 0,
    [property: Key(10), AddedLater] GpuId[]? Awaited = null
)
{
    /// <summary>Why a version that somebody unloaded is unavailable, in the V2 protocol's word.</summary>
    public const string UnloadedReason = "unloaded";

    /// <summary>It should be served here and cannot be: a load of it has failed, or its devices are lost.</summary>
    [IgnoreMember]
    public bool HasFailed => State == ModelState.Unavailable && !IsRefused && Reason.Length > 0 && Reason != UnloadedReason;

    /// <summary>A device that lost it will have it again: forwards wait for that.</summary>
    [IgnoreMember]
    public bool IsComingBack => Awaited is { Length: > 0 };
}
