using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>What a back end says of itself, in one place: who reads modules, chooses devices or describes files asks this and knows no
/// back end by name.</summary>
/// <param name="Name">What <c>module.json</c> calls it, e.g. <c>onnxruntime</c>.</param>
/// <param name="Platform">In V2's words, e.g. <c>onnxruntime_onnx</c>.</param>
internal sealed record BackendDescription(string Name, string Platform)
{
    /// <summary>Other back ends' names that it answers to for files it recognises.</summary>
    public IReadOnlyList<string> StandsInFor { get; init; } = [];

    /// <summary>What a model repository calls a file that is a whole model of it, e.g. <c>model.onnx</c>; the extension alone tells such
    /// files elsewhere. Null where its files are only parts of modules.</summary>
    public string? ModelFile { get; init; }

    /// <summary>Knows its files by their first bytes; nothing where they bear no mark.</summary>
    public FileRecogniser Recognise { get; init; } = static _ => 0;

    /// <summary>Why it does not run on devices of a driver, in words that end a sentence; null where it does.</summary>
    public Func<DriverKind, string?> Obstacle { get; init; } = static _ => null;

    /// <summary>Puts a file that it recognises into lines of name and value for people, a broken one too; null where there is nothing to
    /// say.</summary>
    public Func<ReadOnlyMemory<byte>, IReadOnlyList<KeyValuePair<string, string>>>? Explain { get; init; }
}

/// <summary>Tells a back end's files by how they begin.</summary>
/// <param name="head">The first <see cref="BackendCatalogue.HeadBytes"/> of a file at least, or all of it.</param>
/// <returns>How many bytes it knows as its own, 0 where the file is another's: of several back ends the one that knows most is
/// meant.</returns>
internal delegate int FileRecogniser(ReadOnlySpan<byte> head);
