using System.Text;

namespace Troupe.Hosting.Probes;

/// <summary>What another process wrote, from its beginning, up to a bound.</summary>
/// <param name="IsWhole">False where it wrote more.</param>
internal readonly record struct BoundedText(string Text, bool IsWhole)
{
    /// <summary>What lies beyond the bound is read and dropped, so that whoever writes never waits to be read.</summary>
    public static async Task<BoundedText> ReadAsync(TextReader reader, int most)
    {
        char[] part = new char[4096];
        StringBuilder kept = new();
        bool isWhole = true;
        int read;
        while ((read = await reader.ReadAsync(part.AsMemory()).ConfigureAwait(false)) > 0)
        {
            int room = Math.Min(read, most - kept.Length);
            kept.Append(part, 0, room);
            isWhole &= room == read;
        }

        return new BoundedText(kept.ToString(), isWhole);
    }
}
