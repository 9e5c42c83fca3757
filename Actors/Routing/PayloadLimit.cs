using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Tensors;
using Troupe.Messages.Wire;

namespace Troupe.Actors.Routing;

/// <summary>How many bytes of tensors one message between nodes may carry. Akka.Remote drops larger messages silently, so the sender
/// checks.</summary>
internal static class PayloadLimit
{
    public const int Bytes = WireFormat.MaxInlinePayload;

    public static long Of(Tensor[] tensors)
    {
        long bytes = 0;
        foreach (Tensor tensor in tensors)
        {
            bytes += tensor.Payload.Length;
        }

        return bytes;
    }

    public static string Refusal(string what, long bytes) =>
        $"The {what} of this forward take {bytes} bytes; between nodes a message carries at most {Bytes}. Send the forward to a node where the model is loaded.";

    /// <summary>The outcome itself, or in its place the refusal to send outputs that are too large for one message.</summary>
    public static ForwardOutcome Checked(ForwardOutcome outcome)
    {
        if (outcome.Reply is not ForwardReply.Succeeded succeeded)
        {
            return outcome;
        }

        long bytes = Of(succeeded.Outputs);
        return bytes <= Bytes
            ? outcome
            : new ForwardOutcome(
                outcome.Attempt,
                new ForwardReply.Failed(succeeded.Id, FailureKind.NotSupported, Refusal("outputs", bytes)),
                RetryAdvice.Final
            );
    }
}
