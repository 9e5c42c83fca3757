using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Programs;

public sealed class ArtifactSpecTests
{
    private static readonly EngineRecord Record = ArtifactReader.Open(SavedModels.TorchScript(), "net.ts").Engines[0].Record;

    [Fact]
    public void A_record_alone_is_an_artifact_of_one_engine()
    {
        ArtifactSpec spec = ArtifactSpec.Of(Record);
        Assert.Equal((ArtifactFormat.Record, (long)Record.Plan.Length), (spec.Format, spec.Bytes));
        Assert.Same(Record.Name, Assert.Single(spec.Engines).Key);
        Assert.Null(spec.Graph);
    }

    [Fact]
    public void A_record_without_a_plan_is_refused()
    {
        ArtifactException refused = Assert.Throws<ArtifactException>(() => ArtifactSpec.Of(Record with { Plan = default }));
        Assert.Equal(ArtifactFault.Missing, refused.Fault);
        Assert.Contains("holds no engine, only metadata", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_engine_whose_platform_is_not_told_runs_everywhere()
    {
        ArtifactSpec spec = ArtifactSpec.Of(Record with { PlatformText = null });
        spec.EnsureRunsOn(TargetPlatform.WindowsX64);
        spec.EnsureRunsOn(TargetPlatform.LinuxX64);
        spec.EnsureRunsOn(TargetPlatform.Unknown);
    }

    [Theory]
    [InlineData(TargetPlatform.LinuxX64)]
    [InlineData(TargetPlatform.Unknown)]
    public void An_engine_whose_writer_did_not_know_its_platform_runs_nowhere(TargetPlatform here)
    {
        ArtifactSpec spec = ArtifactSpec.Of(Record with { PlatformText = "unknown" });
        ArtifactException refused = Assert.Throws<ArtifactException>(() => spec.EnsureRunsOn(here));
        Assert.Equal(ArtifactFault.WrongPlatform, refused.Fault);
        Assert.Contains("built for unknown", refused.Message, StringComparison.Ordinal);
    }
}
