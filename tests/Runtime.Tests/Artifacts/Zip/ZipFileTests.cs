using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Zip;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Zip;

public sealed class ZipFileTests
{
    private static readonly byte[] Zeros = new byte[3 << 20];

    [Fact]
    public void Stored_deflated_and_zip64_entries_are_read()
    {
        ZipFile zip = Open(
            new ZipWriter()
                .Add("r/a", "stored")
                .Add("r/b/c", "deflated", deflate: true)
                .Add("r/d", "zip64"u8, zip64: true)
                .Add("r/b/", "")
                .End()
        );
        Assert.Equal(["a", "b/c", "d"], zip.Names);
        Assert.Equal("stored"u8, zip.Read("a").Span);
        Assert.Equal("deflated"u8, zip.Read("b/c").Span);
        Assert.Equal("zip64"u8, zip.Read("d").Span);
    }

    [Theory]
    [InlineData("r/../../etc/passwd", "leaves its folder")]
    [InlineData("../r/a", "leaves its folder")]
    [InlineData("r/./a", "leaves its folder")]
    [InlineData("r//a", "leaves its folder")]
    [InlineData("/etc/passwd", "absolute or a Windows path")]
    [InlineData("r\\a", "absolute or a Windows path")]
    [InlineData("C:/a", "absolute or a Windows path")]
    [InlineData("r/a\0b", "control characters")]
    [InlineData("", "is empty")]
    public void Names_that_leave_the_archive_are_refused_even_if_nobody_reads_them(string name, string text)
    {
        ArtifactException refusal = Refused(new ZipWriter().Add("r/a", "good").Add(name, "bad").End());
        Assert.Equal(ArtifactFault.UnsafeName, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_archive_cut_anywhere_is_refused()
    {
        byte[] whole = new ZipWriter().Add("r/a", "content").Add("r/b", "more", deflate: true).End();
        for (int length = 0; length < whole.Length; length++)
        {
            ArtifactException refusal = Refused(whole[..length]);
            Assert.Equal(ArtifactFault.Truncated, refusal.Fault);
        }
    }

    [Fact]
    public void An_entry_that_stands_twice_is_refused() =>
        Assert.Contains(
            "'r/a' stands twice",
            Refused(new ZipWriter().Add("r/a", "one").Add("r/a", "two").End()).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Entries_of_two_folders_or_of_none_are_refused()
    {
        Assert.Contains(
            "does not lie in the archive's one folder 'r/'",
            Refused(new ZipWriter().Add("r/a", "one").Add("s/a", "two").End()).Message,
            StringComparison.Ordinal
        );
        Assert.Contains("one folder", Refused(new ZipWriter().Add("a", "one").End()).Message, StringComparison.Ordinal);
        Assert.Contains("the archive is empty", Refused(new ZipWriter().End()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bombs_are_refused_before_they_take_memory()
    {
        byte[] ratio = new ZipWriter().Add("r/a", Zeros, deflate: true).End();
        byte[] absurd = new ZipWriter().Add("r/a", "x"u8, deflate: true, announced: 1L << 60, zip64: true).End();
        byte[] large = new ZipWriter().Add("r/a", "x"u8, deflate: true, announced: 0xFFFFFFFE).End();
        byte[] negative = new ZipWriter().Add("r/a", "x"u8, deflate: true, announced: -1, zip64: true).End();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains(
            "more than 100 times as many",
            Assert.Throws<ArtifactException>(() => Open(ratio).Read("a")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(ArtifactFault.TooLarge, Assert.Throws<ArtifactException>(() => Open(absurd).Read("a")).Fault);
        Assert.Equal(ArtifactFault.TooLarge, Assert.Throws<ArtifactException>(() => Open(large).Read("a")).Fault);
        Assert.Equal(ArtifactFault.TooLarge, Assert.Throws<ArtifactException>(() => Open(negative).Read("a")).Fault);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void What_was_unpacked_is_counted_over_the_whole_archive()
    {
        byte[] file = new ZipWriter().Add("r/a", new byte[600]).Add("r/b", new byte[600]).End();
        var zip = new ZipFile(new ByteSource.Memory(file), ArtifactLimits.Default with { TotalBytes = 1000 }, "test");
        Assert.Equal(600, zip.Read("a").Length);
        Assert.Equal(ArtifactFault.TooLarge, Assert.Throws<ArtifactException>(() => zip.Read("b")).Fault);
    }

    [Theory]
    [InlineData(5, true, "announces 5 bytes and holds more")]
    [InlineData(9, true, "announces 9 bytes and holds 8")]
    [InlineData(5, false, "announces 5 bytes in 8")]
    public void A_size_that_is_not_the_true_one_is_refused(int announced, bool deflate, string text) =>
        Assert.Contains(
            text,
            Assert
                .Throws<ArtifactException>(() => Open(new ZipWriter().Add("r/a", "contents"u8, deflate, announced).End()).Read("a"))
                .Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Changed_bytes_do_not_fit_their_checksum()
    {
        byte[] file = new ZipWriter().Add("r/a", "contents").End();
        file[30 + 3]++;
        Assert.Contains(
            "do not fit its checksum",
            Assert.Throws<ArtifactException>(() => Open(file).Read("a")).Message,
            StringComparison.Ordinal
        );
        Assert.Equal("contents"u8, Open(new ZipWriter().Add("r/a", "contents").End()).Read("a").Span);
    }

    [Fact]
    public void A_count_of_entries_that_is_not_the_true_one_is_refused()
    {
        Assert.Equal(ArtifactFault.Corrupt, Refused(new ZipWriter().Add("r/a", "x").End(count: 2)).Fault);
        Assert.Equal(ArtifactFault.Corrupt, Refused(new ZipWriter().Add("r/a", "x").Add("r/b", "x").End(count: 1)).Fault);
    }

    [Fact]
    public void A_missing_entry_is_named() =>
        Assert.Contains(
            "the archive has no entry 'b'",
            Assert.Throws<ArtifactException>(() => Open(new ZipWriter().Add("r/a", "x").End()).Read("b")).Message,
            StringComparison.Ordinal
        );

    private static ZipFile Open(byte[] file) => new(new ByteSource.Memory(file), ArtifactLimits.Default, "test.zip");

    private static ArtifactException Refused(byte[] file) => Assert.Throws<ArtifactException>(() => Open(file));
}
