using System.Text.Json;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Plans;

public sealed class ProfileFilesTests
{
    [Theory, Trait("row", "PF-01")]
    [InlineData(ProfilingFormat.Perfetto, false)]
    [InlineData(ProfilingFormat.Trex, true)]
    public void One_run_leaves_four_traces_or_five_in_safe_mode_and_the_layers(ProfilingFormat format, bool safeMode)
    {
        using var bench = new Workbench();
        string path = EmulatedModels.Scaled(bench.Folder, """, "microseconds": 500""");
        string profiles = Path.Combine(bench.Folder.Path, "profiles");
        using ModuleInstance instance = bench.Platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            0,
            new InstanceOptions(1, profiles),
            CancellationToken.None
        );
        var settings = new ModeSettings { Profiling = format, MultiDeviceSafe = safeMode };
        Workbench.Forward(instance, Workbench.Floats("x", [1, 4], 1, 2, 3, 4));
        Assert.False(Directory.Exists(profiles));

        instance.Apply(settings);
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(Workbench.Forward(instance, settings, Workbench.Floats("x", [1, 4], 1, 2, 3, 4))[0]));
        Assert.Equal(2, instance.Counters.Snapshot().Contexts);
        Assert.Equal(safeMode ? 5 : 4, Directory.GetFiles(profiles, "*.trace").Length);
        using JsonDocument layers = JsonDocument.Parse(File.ReadAllText(Path.Combine(profiles, "_run_on_acc_0_layer_information.json")));
        Assert.Equal("Mul_0", layers.RootElement.GetProperty("Layers")[0].GetString());
        CheckTrace(Path.Combine(profiles, "_run_on_acc_0_engine_execution_profile.trace"), format);

        instance.Apply(ModeSettings.Default);
        Directory.Delete(profiles, recursive: true);
        Workbench.Forward(instance, Workbench.Floats("x", [1, 4], 1, 2, 3, 4));
        Assert.False(Directory.Exists(profiles));
        Assert.Equal(3, instance.Counters.Snapshot().Contexts);
    }

    [Fact, Trait("row", "PF-01"), Trait("row", "DW-01")]
    public void A_module_with_fallback_segments_is_profiled_and_takes_workspace_per_call_where_its_engines_can()
    {
        using var bench = new Workbench();
        string profiles = Path.Combine(bench.Folder.Path, "profiles");
        string path = EmulatedModels.WithFallback(bench.Folder, """, "workspaceBytes": 4096""");
        using ModuleInstance instance = bench.Platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            0,
            new InstanceOptions(1, profiles),
            CancellationToken.None
        );
        var settings = new ModeSettings { Profiling = ProfilingFormat.Trex, Workspace = WorkspaceStrategy.Dynamic };
        Assert.Null(((IModuleInstance)instance).Conflict(settings));
        instance.Apply(settings);
        Assert.Equal(
            [6, 12, 18, 24],
            Workbench.Floats(Workbench.Forward(instance, settings, Workbench.Floats("x", [1, 4], 1, 2, 3, 4))[0])
        );
        Assert.Equal(8, Directory.GetFiles(profiles, "*.trace").Length);
    }

    private static void CheckTrace(string path, ProfilingFormat format)
    {
        using JsonDocument trace = JsonDocument.Parse(File.ReadAllText(path));
        if (format == ProfilingFormat.Perfetto)
        {
            JsonElement row = trace.RootElement.GetProperty("traceEvents")[0];
            Assert.Equal(
                ("Mul_0", "X", 500d, 1),
                (
                    row.GetProperty("name").GetString(),
                    row.GetProperty("ph").GetString(),
                    row.GetProperty("dur").GetDouble(),
                    row.GetProperty("tid").GetInt32()
                )
            );
            Assert.Equal("_run_on_acc_0 Engine Execution", row.GetProperty("pid").GetString());
        }
        else
        {
            Assert.Equal(1, trace.RootElement[0].GetProperty("count").GetInt32());
            Assert.Equal(0.5, trace.RootElement[1].GetProperty("timeMs").GetDouble());
            Assert.Equal(100, trace.RootElement[1].GetProperty("percentage").GetDouble());
        }
    }
}
