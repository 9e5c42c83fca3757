using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.TorchScript;

/// <summary>A TorchScript archive is read as data: its one engine is found, its code is never run, and a damaged one is refused.</summary>
public sealed class TorchScriptReaderTests
{
    [Fact]
    public void The_one_engine_and_how_often_it_is_called_are_found()
    {
        ArtifactSpec spec = ArtifactReader.Open(SavedModels.TorchScript(), "net.ts");
        Assert.Single(spec.Engines);
        Assert.Equal(1, spec.EngineCalls);
    }

    [Fact]
    public void Cut_off_anywhere_it_is_refused_as_an_artifact()
    {
        byte[] whole = SavedModels.TorchScript();
        for (int length = 0; length < whole.Length; length += 97)
        {
            Assert.Throws<ArtifactException>(() => ArtifactReader.Open(whole.AsMemory(0, length), "net.ts"));
        }
    }
}
