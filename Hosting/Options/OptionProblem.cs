namespace Troupe.Hosting.Options;

/// <summary>One setting that cannot be used: where it was written, its value, and the fix.</summary>
/// <param name="IsMissingPath">The value names a file or folder that is not there; this has an exit code of its own.</param>
internal readonly record struct OptionProblem(string Text, bool IsMissingPath);
