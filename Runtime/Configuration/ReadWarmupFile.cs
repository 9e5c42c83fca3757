namespace Troupe.Runtime.Configuration;

/// <summary>Reads a file of a model's folder <c>warmup</c>: its first <paramref name="count"/> bytes, or all of it, which may be no
/// more.</summary>
internal delegate ReadOnlyMemory<byte> ReadWarmupFile(string file, long count, bool isWhole);
