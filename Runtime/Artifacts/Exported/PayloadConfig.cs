using System.Text.Json;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>Where an archive keeps one named constant or weight.</summary>
/// <param name="Entry">Name of the entry below the root.</param>
internal sealed record Payload(string Entry, bool IsPickled);

/// <summary>The table from a constant's or weight's full name to its entry. Entries are found by this table, never by guessing from
/// prefixes.</summary>
internal static class PayloadConfig
{
    public static Dictionary<string, Payload> Read(ZipFile archive, string folder, string model, string kind)
    {
        var payloads = new Dictionary<string, Payload>(StringComparer.Ordinal);
        string name = $"{folder}{model}_{kind}_config.json";
        if (!archive.Has(name))
        {
            return payloads;
        }

        string where = archive.Place(name);
        using JsonDocument document = ArtifactJson.Parse(archive.Read(name), where);
        ArtifactJson config = new ArtifactJson(document.RootElement, where).At("config");
        foreach (ArtifactJson.Member member in config.Members())
        {
            string path = member.Value.Text("path_name");
            if (
                path.Length == 0
                || path.Contains("..", StringComparison.Ordinal)
                || path.Contains('\\')
                || path.Contains(':')
                || path[0] == '/'
            )
            {
                throw new ArtifactException(
                    ArtifactFault.UnsafeName,
                    member.Value.Where,
                    $"the path '{Shown.Of(path)}' leaves its folder",
                    "Do not trust the file; PyTorch never writes such names."
                );
            }

            payloads.Add(member.Name, new Payload(folder + path, member.Value.Flag("use_pickle") ?? false));
        }

        return payloads;
    }
}
