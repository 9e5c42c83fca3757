using Troupe.Runtime.Engines;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Tests.Engines;

public sealed class AliasReconciliationTests
{
    private static readonly AliasSpec Enforced = new("y", "a", AliasKind.KvCacheUpdate);

    [Theory]
    [InlineData(AliasKind.User, "b")]
    [InlineData(AliasKind.KvCacheUpdate, "a")]
    public void Of_two_sources_the_authors_is_kept_and_otherwise_the_engines_with_a_warning(AliasKind declared, string kept)
    {
        AliasSpec alias = Assert.Single(Of([Enforced], [new AliasSpec("y", "b", declared)], out IReadOnlyList<string> warnings));
        Assert.Equal(kept, alias.Input);
        string warning = Assert.Single(warnings);
        Assert.Contains("'y' of 'net' is declared in place of 'b', and its engine names 'a'", warning, StringComparison.Ordinal);
        Assert.EndsWith($"'{kept}' is taken.", warning, StringComparison.Ordinal);
    }

    [Fact]
    public void What_only_one_side_names_or_both_say_alike_stands_without_a_warning()
    {
        AliasSpec other = new("z", "b", AliasKind.User);
        Assert.Equal(
            [Enforced, other],
            Of([Enforced], [Enforced with { Kind = AliasKind.User }, other], out IReadOnlyList<string> warnings)
        );
        Assert.Empty(warnings);
    }

    private static IReadOnlyList<AliasSpec> Of(AliasSpec[] own, AliasSpec[] declared, out IReadOnlyList<string> warnings) =>
        AliasReconciliation.Of("net", own, declared, out warnings);
}
