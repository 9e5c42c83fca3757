using System.Security.Cryptography;
using Troupe.Messages.Identity;

namespace Troupe.Messages.Tests.Identity;

public sealed class ContentHashTests
{
    [Fact]
    public void It_reads_as_the_digest_does()
    {
        byte[] digest = SHA256.HashData("troupe"u8);
        Assert.Equal(Convert.ToHexStringLower(digest), ContentHash.FromSha256(digest).ToString());
        Assert.Throws<ArgumentOutOfRangeException>(() => ContentHash.FromSha256(digest.AsSpan(1)));
    }
}
