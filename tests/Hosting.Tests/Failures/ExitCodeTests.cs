using Troupe.Hosting.Failures;
using Troupe.TestSupport.Documents;

namespace Troupe.Hosting.Tests.Failures;

/// <summary>Exit codes are documented, and keep their numbers.</summary>
public sealed class ExitCodeTests
{
    [Fact]
    public void The_readme_lists_every_exit_code()
    {
        string readme = File.ReadAllText(Path.Combine(Document.Root, "README.md"));
        string listed = readme[readme.IndexOf("Exit codes:", StringComparison.Ordinal)..];
        listed = listed[..listed.IndexOf("\n\n", StringComparison.Ordinal)].Replace('\n', ' ');
        Assert.All(Enum.GetValues<ExitCode>(), code => Assert.Matches($@"\b{(int)code} [a-z]", listed));
    }
}
