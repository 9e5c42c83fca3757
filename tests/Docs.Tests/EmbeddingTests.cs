namespace Troupe.Docs.Tests;

/// <summary><c>examples/Embedding</c> runs as its reader runs it and prints what it is there to show.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task The_program_loads_calls_nests_scopes_sets_a_mode_for_a_call_and_meets_errors()
    {
        await using Shell shell = Shell.OpenPlain();
        (int exit, string output) = await shell.RunAsync("dotnet run --no-build --project examples/Embedding");

        Assert.True(exit == 0, output);
        string[] lines = output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("forward: [1,10] logits", lines[0]);
        Assert.Equal("both scopes: True True", lines[1]);
        Assert.StartsWith("InvalidInput: ", lines[2], StringComparison.Ordinal);
        Assert.Equal("NotFound", lines[3]);
        Assert.Equal("loaded fmnist on 2 devices", lines[4]);
        Assert.Equal("fmnist: [1,10] after 1 attempt", lines[5]);
        Assert.StartsWith("fmnist: InvalidRequest: Optimization profile index 7 out of range", lines[6], StringComparison.Ordinal);
        Assert.StartsWith("absent: ModelNotLoaded: ", lines[7], StringComparison.Ordinal);
        Assert.Equal(8, lines.Length);
    }
}
