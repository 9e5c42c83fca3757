using Akka.Actor;
using Troupe.Messages.Models;

namespace Troupe.Actors.Models;

/// <summary>Node to model directory: this executor can adopt instances for these devices, its group.</summary>
internal sealed record DevicesReady(IReadOnlyList<int> Ordinals, IActorRef Executor) : INoSerializationVerificationNeeded;

/// <summary>Node to model directory: the instances on this device are gone.</summary>
/// <param name="ForGood">The device is quarantined; otherwise a new executor will follow.</param>
internal sealed record DeviceGone(int Ordinal, string Reason, bool ForGood) : INoSerializationVerificationNeeded;

/// <summary>Model directory to node: the models of this node as they are now; the answer, if any, follows the news to whoever asked for the change.</summary>
internal sealed record ModelsChanged(ModelSnapshot[] Models, IActorRef? ReplyTo, ModelReply? Reply) : INoSerializationVerificationNeeded;

/// <summary>Node to whoever talks to GPUs directly (model directory, mode directory): the node's GPU actors by ordinal.</summary>
internal sealed record GpusStarted(IReadOnlyDictionary<int, IActorRef> Gpus) : INoSerializationVerificationNeeded;
