namespace Troupe.Runtime.Artifacts.Parsing;

/// <summary>How much an artifact may ask of the machine that reads it. Honest files stay far below; everything is checked before it is
/// allocated.</summary>
internal sealed record ArtifactLimits
{
    public static readonly ArtifactLimits Default = new();

    /// <summary>Largest single block held in memory: an engine, a container, an entry of an archive.</summary>
    public long BlockBytes { get; init; } = 2_000_000_000;

    /// <summary>Bytes unpacked from one archive altogether.</summary>
    public long TotalBytes { get; init; } = 16L << 30;

    /// <summary>Unpacked to packed size; beyond it an entry larger than <see cref="RatioFreeBytes"/> is a bomb. PyTorch stores its entries
    /// unpacked.</summary>
    public int Ratio { get; init; } = 100;

    public long RatioFreeBytes { get; init; } = 1 << 20;

    public int Entries { get; init; } = 65_536;

    public long DirectoryBytes { get; init; } = 16 << 20;

    /// <summary>JSON beyond this is a bomb; cross-compiled programs carry whole engines in it.</summary>
    public long JsonBytes { get; init; } = 1_000_000_000;

    public int JsonDepth { get; init; } = 64;

    /// <summary>Metadata of a TR01 container or of an engine record.</summary>
    public long MetadataBytes { get; init; } = 16 << 20;

    public int PickleOperations { get; init; } = 1_000_000;

    public int PickleDepth { get; init; } = 200;

    public int PickleMarks { get; init; } = 1_000;

    /// <summary>Nodes, inputs, outputs or engines of one program.</summary>
    public int GraphItems { get; init; } = 100_000;
}
