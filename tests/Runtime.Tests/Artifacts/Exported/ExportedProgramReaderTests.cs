using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Exported;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Exported;

/// <summary>What an exported program must have: a model, engines, and only files that belong together.
/// Its graph is read by <see cref="ExportedGraphReader"/>.</summary>
public sealed class ExportedProgramReaderTests
{
    [Fact]
    public void Engines_and_graph_come_together()
    {
        ArtifactSpec spec = ArtifactReader.Open(SavedModels.ExportedProgram(), "net.pt2");
        Assert.Equal(spec.Engines.Count, spec.Graph!.Calls.Select(call => call.Engine).Distinct().Count());
        Assert.All(spec.Graph.Calls, call => Assert.InRange(call.Engine, 0, spec.Engines.Count - 1));
    }

    [Fact]
    public void Without_any_one_of_its_entries_it_is_whole_or_refused_and_never_half_read() =>
        Assert.All(
            SavedModels.ExportedEntries().Keys,
            entry =>
            {
                byte[] file = SavedModels.ExportedProgram(entries => entries.Remove(entry));
                if (Xunit.Record.Exception(() => ArtifactReader.Open(file, "net.pt2")) is { } refused)
                {
                    Assert.IsType<ArtifactException>(refused);
                }
            }
        );

    [Fact]
    public void A_program_that_calls_no_engine_is_refused()
    {
        byte[] file = SavedModels.ExportedProgram(entries =>
        {
            string models = entries.Keys.Single(name =>
                name.StartsWith("models/", StringComparison.Ordinal) && name.EndsWith(".json", StringComparison.Ordinal)
            );
            entries[models] = SavedModels.Json(SavedModels.TwoEngines(nodes: []));
        });
        Assert.Throws<ArtifactException>(() => ArtifactReader.Open(file, "net.pt2"));
    }
}
