namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>What kind of trouble a file is, for callers that answer differently to each; the text is for people.</summary>
public enum ArtifactFault
{
    /// <summary>The bytes match none of the formats that are read.</summary>
    UnknownFormat,

    /// <summary>The file ends before what it announces.</summary>
    Truncated,

    /// <summary>The bytes contradict themselves or their format.</summary>
    Corrupt,

    /// <summary>A size, count, depth or ratio is beyond what an honest file has.</summary>
    TooLarge,

    /// <summary>A name would leave its folder.</summary>
    UnsafeName,

    /// <summary>A pickle asks for an opcode or a global that is not allowed.</summary>
    ForbiddenPickle,

    /// <summary>Something that the format requires is not there.</summary>
    Missing,

    /// <summary>An engine record of an ABI that is not read, or of a length that its ABI does not have.</summary>
    WrongAbi,

    /// <summary>An engine built for another platform.</summary>
    WrongPlatform,

    /// <summary>The graph has nodes that no engine runs.</summary>
    UnsupportedNodes,

    /// <summary>An engine's tensors do not carry the names that were asked for.</summary>
    WrongBindings,

    /// <summary>The file cannot be opened or read.</summary>
    Unreadable,
}
