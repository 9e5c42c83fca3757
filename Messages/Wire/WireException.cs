namespace Troupe.Messages.Wire;

/// <summary>A message that may not travel, or bytes that are no valid message: which kind, what is wrong with it, and the limit it
/// breaks.</summary>
/// <param name="manifest">The manifest under which it was written or read; <c>?</c> for an object that has none.</param>
/// <param name="what">What is wrong, naming the field.</param>
/// <param name="limit">What would have been allowed.</param>
public sealed class WireException(string manifest, string what, string limit, Exception? inner = null)
    : Exception($"Message '{manifest}': {what}. Allowed: {limit}.", inner)
{
    public string Manifest { get; } = manifest;

    public string What { get; } = what;

    public string Limit { get; } = limit;
}
