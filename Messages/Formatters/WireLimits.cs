namespace Troupe.Messages.Formatters;

/// <summary>The bounds of every message between nodes. Both ends hold to them: what is written can be read, and what is read is bounded in
/// memory.</summary>
public static class WireLimits
{
    /// <summary>Bytes of one message; well below the frame limit of 256 KB, above which the transport drops silently.</summary>
    public const int MessageBytes = 224 * 1024;

    /// <summary>Bytes of tensor data that one message may carry between nodes; larger ones need the data plane.</summary>
    public const int InlinePayloadBytes = 64 * 1024;

    /// <summary>Levels of nesting.</summary>
    public const int Depth = 32;

    /// <summary>Entries of any list.</summary>
    public const int ListItems = 4096;

    /// <summary>Tensors of one forward or reply.</summary>
    public const int Tensors = 256;

    /// <summary>UTF-8 bytes of the name of a model, tensor, node or device, and of a trace context.</summary>
    public const int NameBytes = 512;

    /// <summary>UTF-8 bytes of a path.</summary>
    public const int PathBytes = 4096;

    /// <summary>UTF-8 bytes of text for people; the sender clips what is longer.</summary>
    public const int ProseBytes = 8192;

    /// <summary>Longest span of time.</summary>
    public static TimeSpan Duration { get; } = TimeSpan.FromDays(366);
}
