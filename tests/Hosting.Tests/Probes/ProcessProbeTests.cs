using Troupe.Hosting.Probes;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Probes;

/// <summary>Models tried in child processes of the real executable: each way to end one is a refusal that says so, and costs nobody
/// else.</summary>
public sealed class ProcessProbeTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(2);

    [Fact]
    public void A_good_model_is_bound_to_the_bytes_that_were_tried()
    {
        ModuleSource tried = Try(CaseModels.PathOf("exts_ok"));
        FileDigests files = Assert.IsType<FileDigests>(tried.Files);
        Assert.Equal(["model.onnx", "w.bin"], files.ByPath.Keys.Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_model_that_ends_its_process_is_refused_by_name_and_signal()
    {
        ModuleLoadException refused = Refused(CaseModels.PathOf("crash_at_load"));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.StartsWith(
            $"The model 'stranger' ({CaseModels.PathOf("crash_at_load")}) ended the process that it was tried in: signal 8 (SIGFPE)",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Contains("The node is not affected. Repair the model or export it again.", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_refused_without_an_end_is_refused_as_a_load_would_refuse_it()
    {
        using var folder = new ModuleFolder();
        ModuleLoadException broken = Refused(folder.Write("model.onnx", [8, 7, 1, 2, 3]));
        Assert.Equal(FailureKind.InvalidModel, broken.Kind);
        Assert.Contains("is not an ONNX model", broken.Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.NotFound, Refused(Path.Combine(folder.Path, "none.onnx")).Kind);
    }

    [Fact]
    public void A_model_that_is_held_in_memory_is_tried_as_it_is_and_called_as_it_is_called()
    {
        ModuleSource held = Held(File.ReadAllBytes(CaseModels.PathOf("exts_ok")));
        Assert.Contains("w.bin", Refused(held).Message, StringComparison.Ordinal);
        held = Held([8, 7, 1, 2, 3]);
        Assert.Contains("'stranger/1/model.onnx' is not an ONNX model", Refused(held).Message, StringComparison.Ordinal);
        using var folder = new ModuleFolder();
        held = Held(File.ReadAllBytes(TinyModels.Scale(2).Save(Path.Combine(folder.Path, "model.onnx"))));
        Assert.Same(held, new ProcessProbe(ProbeExecutable.Find(), Long, 4L << 30, null).Try(held, TestContext.Current.CancellationToken));

        static ModuleSource Held(byte[] bytes) =>
            new(new ModelReference("stranger", 1), "stranger/1/model.onnx")
            {
                Held = new Dictionary<string, ReadOnlyMemory<byte>> { ["model.onnx"] = bytes },
            };

        static ModuleLoadException Refused(ModuleSource held) =>
            Assert.Throws<ModuleLoadException>(() =>
                new ProcessProbe(ProbeExecutable.Find(), Long, 4L << 30, null).Try(held, TestContext.Current.CancellationToken)
            );
    }

    [Fact]
    public void A_model_that_takes_too_long_is_given_up()
    {
        using var folder = new ModuleFolder();
        ModuleLoadException refused = Refused(folder.Write("model.onnx", ProbeModels.Slow()), TimeSpan.FromSeconds(2));
        Assert.Equal(FailureKind.DeadlineExceeded, refused.Kind);
        Assert.Contains("was tried for 2 s without an end and was given up", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--probe-timeout", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_that_takes_too_much_memory_is_given_up()
    {
        using var folder = new ModuleFolder();
        ModuleLoadException refused = Refused(folder.Write("model.onnx", ProbeModels.Large()), memory: 400 << 20);
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains($"more than the {400 << 20} of --probe-memory", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_trial_that_nobody_waits_for_is_ended()
    {
        using var folder = new ModuleFolder();
        string slow = folder.Write("model.onnx", ProbeModels.Slow());
        using CancellationTokenSource stop = new(TimeSpan.FromSeconds(1));
        Assert.Throws<OperationCanceledException>(() => Probe(Long, 4L << 30).Try(Source(slow), stop.Token));
    }

    [Fact]
    public void Where_no_process_can_be_started_a_model_is_not_loaded_untried()
    {
        foreach (ProbeExecutable? missing in (ProbeExecutable?[])[null, new ProbeExecutable("/no/such/troupe", [])])
        {
            var probe = new ProcessProbe(missing, Long, 4L << 30, nativeLibraries: null);
            ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
                probe.Try(Source(CaseModels.PathOf("fixed_out")), TestContext.Current.CancellationToken)
            );
            Assert.Equal(FailureKind.NotSupported, refused.Kind);
            Assert.Contains("which cannot be started: ", refused.Message, StringComparison.Ordinal);
            Assert.EndsWith("or start the node with --probe-loads off.", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_executable_is_this_one_or_the_one_beside_it_or_the_assembly_under_dotnet()
    {
        using var folder = new ModuleFolder();
        Assert.Equal("/bin/troupe", ProbeExecutable.Find("/bin/troupe", folder.Path)!.File);
        Assert.Null(ProbeExecutable.Find("/bin/dotnet", folder.Path));
        string assembly = folder.Write("troupe.dll", "");
        Assert.Equal([assembly], ProbeExecutable.Find("/bin/dotnet", folder.Path)!.Arguments);
        Assert.Null(ProbeExecutable.Find("/bin/others", folder.Path));
        string beside = folder.Write("troupe", "");
        Assert.Equal(beside, ProbeExecutable.Find("/bin/others", folder.Path)!.File);
        Assert.Null(ProbeExecutable.Find(null, "/no/such/folder"));
    }

    private static ModuleSource Source(string path) => new(new ModelReference("stranger", 1), path);

    private static ProcessProbe Probe(TimeSpan time, long memory) => new(ProbeExecutable.Find(), time, memory, nativeLibraries: null);

    private static ModuleSource Try(string path, TimeSpan? time = null, long memory = 4L << 30) =>
        Probe(time ?? Long, memory).Try(Source(path), TestContext.Current.CancellationToken);

    private static ModuleLoadException Refused(string path, TimeSpan? time = null, long memory = 4L << 30) =>
        Assert.Throws<ModuleLoadException>(() => Try(path, time, memory));
}
