using Troupe.TestSupport.Documents;

namespace Troupe.Hosting.Tests.Cli;

/// <summary>The commands of <c>docs/modes.md</c> do what they say, in their order, on a node of their own.</summary>
public sealed class ModesDocumentTests
{
    [Fact]
    public async Task Every_command_of_the_page_succeeds_and_leaves_nothing_entered()
    {
        await using ServedNode node = await ServedNode.StartAsync(Path.Combine(AppContext.BaseDirectory, "Samples", "models"), "fmnist");
        string[] commands =
        [
            .. Document
                .Read("docs/modes.md")
                .Blocks("console")
                .SelectMany(block => block.Split('\n'))
                .Where(line => line.StartsWith("$ troupe ", StringComparison.Ordinal))
                .Select(line => line["$ troupe ".Length..]),
        ];
        Assert.NotEmpty(commands);
        foreach (string command in commands)
        {
            (int exit, _, string error) = await node.RunAsync(command.Split(' '));
            Assert.True(exit == 0, $"{command}: {error}");
        }

        (_, string left, _) = await node.RunAsync(["modes", "list", "--json"]);
        Assert.DoesNotContain("\"token\":\"", left, StringComparison.Ordinal);
    }
}
