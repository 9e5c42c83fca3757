using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;

namespace Troupe.Messages.Wire;

/// <summary>What stands for an answer of a kind that a later version added: a failure of kind <see cref="FailureKind.Unknown"/>, so that
/// whoever waits for it is told. Each family has one method here, which its formatter calls.</summary>
internal static class UnknownCases
{
    /// <summary>The request it answers is the first field of every case.</summary>
    public static ForwardReply ReadForwardReply(ref MessagePackReader reader, int kind, MessagePackSerializerOptions options)
    {
        if (reader.TryReadNil())
        {
            return new ForwardReply.Failed(default, FailureKind.Unknown, Detail(kind));
        }

        int length = reader.ReadArrayHeader();
        ForwardReply reply = new ForwardReply.Failed(
            length > 0 ? RequestIdFormatter.Instance.Deserialize(ref reader, options) : default,
            FailureKind.Unknown,
            Detail(kind)
        );
        for (int field = 1; field < length; field++)
        {
            reader.Skip();
        }

        return reply;
    }

    public static ModelReply ReadModelReply(ref MessagePackReader reader, int kind, MessagePackSerializerOptions options)
    {
        _ = options;
        reader.Skip();
        return new ModelReply.Failed("unknown", FailureKind.Unknown, Detail(kind));
    }

    public static ModeReply ReadModeReply(ref MessagePackReader reader, int kind, MessagePackSerializerOptions options)
    {
        _ = options;
        reader.Skip();
        return new ModeReply.Refused(FailureKind.Unknown, Detail(kind), []);
    }

    private static string Detail(int kind) =>
        $"the answer is of kind {kind}, which this version does not know; the node that sent it is newer";
}
