using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Tests.Artifacts.Parsing;

/// <summary>A file and the same bytes in memory are read alike; text of theirs is fit to be shown.</summary>
public sealed class ByteSourceTests
{
    [Fact]
    public void A_file_is_read_as_its_bytes_are()
    {
        byte[] bytes = [.. Enumerable.Range(0, 1000).Select(value => (byte)value)];
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, bytes);
            using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path);
            ByteSource file = new ByteSource.File(handle, "a file");
            ByteSource memory = new ByteSource.Memory(bytes);
            Assert.Equal(memory.Length, file.Length);
            Assert.Equal(memory.Read(17, 300).ToArray(), file.Read(17, 300).ToArray());

            // It becomes shorter while it is read.
            File.WriteAllBytes(path, bytes[..100]);
            ArtifactException refused = Assert.Throws<ArtifactException>(() => file.Read(90, 50));
            Assert.Equal(ArtifactFault.Truncated, refused.Fault);
            Assert.Contains("ended at byte 100", refused.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\u0007b\nc", "a?b?c")]
    [InlineData("\ud83d\ude00", "??")]
    public void Text_from_a_file_is_shown_without_what_controls_a_terminal(string text, string shown) =>
        Assert.Equal(shown, Shown.Of(text));

    [Fact]
    public void Text_from_a_file_is_shown_short()
    {
        Assert.Equal(81, Shown.Of(new string('x', 1000)).Length);
        Assert.Equal(81, Shown.Of(new byte[5000]).Length);
    }
}
