using System.Text;
using System.Text.Json;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>Reads a PT2 archive (torch/export/pt2_archive): its markers, its one model, and the engines and tensors the model
/// names.</summary>
internal static class ExportedProgramReader
{
    public static (IReadOnlyList<ArtifactEngine> Engines, ArtifactGraph Graph) Read(ZipFile archive, ArtifactLimits limits)
    {
        Expect(archive, "archive_format", "pt2");
        Expect(archive, "archive_version", "0");
        if (archive.Has("byteorder"))
        {
            Expect(archive, "byteorder", "little");
        }

        string[] models =
        [
            .. archive.Names.Where(static name =>
                name.StartsWith("models/", StringComparison.Ordinal) && name.EndsWith(".json", StringComparison.Ordinal)
            ),
        ];
        if (models.Length != 1)
        {
            throw models.Length == 0
                ? ArtifactException.Missing(archive.Where, "the archive has no models/model.json")
                : ArtifactException.Corrupt(
                    archive.Where,
                    $"the archive holds {models.Length} models ({Shown.Of(string.Join(", ", models))}); one is read"
                );
        }

        string model = models[0]["models/".Length..^".json".Length];
        var engines = new EngineConstants(archive, PayloadConfig.Read(archive, "data/constants/", model, "constants"), limits);
        var state = new StoredTensors(archive, engines.Constants, PayloadConfig.Read(archive, "data/weights/", model, "weights"));
        string where = archive.Place(models[0]);
        using JsonDocument document = ArtifactJson.Parse(archive.Read(models[0]), where);
        var graph = new ExportedGraphReader(new ArtifactJson(document.RootElement, where), engines, state);
        ArtifactGraph read = graph.Read(archive.Where);
        return engines.Read.Count > 0
            ? (engines.Read, read)
            : throw ArtifactException.Missing(archive.Where, "the exported program calls no TensorRT engine");
    }

    private static void Expect(ZipFile archive, string name, string expected)
    {
        string actual = Encoding.UTF8.GetString(archive.Read(name).Span);
        if (actual.Trim() != expected)
        {
            throw new ArtifactException(
                ArtifactFault.UnknownFormat,
                archive.Place(name),
                $"the entry says '{Shown.Of(actual)}' where '{expected}' is read",
                "Save the model with PyTorch 2.8 or later on a little-endian machine."
            );
        }
    }
}
