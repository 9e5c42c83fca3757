namespace Troupe.Messages.Tests;

/// <summary>What a rule finds: each breach on a line of its own, all of them.</summary>
internal static class Finding
{
    public static void None(IEnumerable<string> breaches)
    {
        string[] found = [.. breaches.Distinct().Order(StringComparer.Ordinal)];
        Assert.True(found.Length == 0, $"{found.Length} found:\n{string.Join('\n', found)}");
    }
}
