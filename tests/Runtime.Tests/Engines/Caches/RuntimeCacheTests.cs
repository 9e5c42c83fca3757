using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Engines.Caches;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Caches;

public sealed class RuntimeCacheTests : IDisposable
{
    private readonly Workbench _bench = new();
    private readonly string _path;

    public RuntimeCacheTests() => _path = Path.Combine(_bench.Folder.Path, "kernels", "rtx.cache");

    public void Dispose() => _bench.Dispose();

    [Fact, Trait("row", "RC-02")]
    public void What_one_load_compiled_the_next_load_takes_from_the_file()
    {
        LocalModule first = Open();
        using (first.RuntimeCache(_path))
        {
            Run(first, rows: 1);
            Run(first, rows: 2);
            Run(first, rows: 1);
            Assert.Equal((2, 0), Kernels(first));
            Assert.False(File.Exists(_path));
        }

        byte[] saved = File.ReadAllBytes(_path);
        LocalModule again = Open();
        using (again.RuntimeCache(_path))
        {
            Run(again, rows: 2);
            Assert.Equal((0, 1), Kernels(again));
            Run(again, rows: 3);
            Assert.Equal((1, 1), Kernels(again));
        }

        Assert.NotEqual(saved, File.ReadAllBytes(_path));
        LocalModule other = Open(scale: 3);
        using (other.RuntimeCache(_path))
        {
            Run(other, rows: 2, scale: 3);
            Assert.Equal((1, 0), Kernels(other));
        }
    }

    [Fact, Trait("row", "RC-02")]
    public void A_cache_that_is_swapped_is_saved_at_once_and_one_of_an_unloaded_module_when_it_goes()
    {
        LocalModule module = Open();
        EnteredMode outer = module.RuntimeCache(_path);
        Run(module, rows: 1);
        string second = _path + "2";
        using (module.RuntimeCache(second))
        {
            Assert.True(File.Exists(_path));
            DateTime written = File.GetLastWriteTimeUtc(_path);
            Run(module, rows: 1);
            Assert.False(File.Exists(second));
            Assert.Equal(written, File.GetLastWriteTimeUtc(_path));
        }

        Assert.True(File.Exists(second));
        Run(module, rows: 5);
        module.Dispose();
        outer.Dispose();
        Assert.Equal(2, Entries(_path));
    }

    [Fact, Trait("row", "RC-02")]
    public void Modules_that_name_one_file_share_one_cache_so_that_nesting_loses_nothing()
    {
        LocalModule first = Open(),
            second = Open(scale: 3);
        using (first.RuntimeCache(_path))
        using (second.RuntimeCache(_path))
        {
            Run(first, rows: 1);
            Run(second, rows: 1, scale: 3);
        }

        using (ModeScopeVerbs.RuntimeCache([first, second], _path))
        {
            Run(first, rows: 2);
            Run(second, rows: 2, scale: 3);
        }

        Assert.Equal(4, Entries(_path));
    }

    [Fact, Trait("row", "RC-03")]
    public void With_an_empty_path_kernels_stay_in_memory()
    {
        LocalModule first = Open(),
            second = Open();
        using (ModeScopeVerbs.RuntimeCache([first, second], ""))
        {
            Run(first, rows: 1);
            Run(second, rows: 1);
            Assert.Equal(((1, 0), (0, 1)), (Kernels(first), Kernels(second)));
        }

        Assert.False(Directory.Exists(Path.GetDirectoryName(_path)));
    }

    [Fact, Trait("row", "RC-03")]
    public void A_stream_is_read_once_and_written_once()
    {
        using var stream = new CountingStream();
        LocalModule module = Open();
        using (RuntimeCacheScope scope = module.RuntimeCache(stream))
        {
            Run(module, rows: 1);
            Assert.Equal(1, scope.Count);
            Assert.Equal(0, stream.Writes);
        }

        Assert.Equal(1, stream.Writes);
        stream.Position = 0;
        using (module.RuntimeCache(stream))
        {
            Run(module, rows: 1);
            Assert.Equal((0, 1), Kernels(module));
        }

        Assert.Equal(2, stream.Writes);
    }

    [Fact, Trait("row", "RC-03")]
    public void Without_a_tensorrt_rtx_engine_a_cache_is_refused_and_nothing_is_written()
    {
        LocalModule plain = _bench.Open(TinyModels.Scale(2)),
            rtx = Open();
        using var stream = new CountingStream();
        foreach (
            Action enter in (Action[])
                [
                    () => plain.RuntimeCache(_path),
                    () => plain.RuntimeCache(stream),
                    () => ModeScopeVerbs.RuntimeCache([rtx, plain], _path),
                    () => ModeScopeVerbs.RuntimeCache([], _path),
                ]
        )
        {
            Assert.Contains(
                Assert.Throws<ForwardException>(enter).Kind,
                (FailureKind[])[FailureKind.NotSupported, FailureKind.InvalidRequest]
            );
        }

        Assert.Equal(RuntimeSettings.Default, rtx.Instance.Settings.Current.RuntimeSettings);
        Assert.Equal(0, stream.Writes);
        Assert.False(File.Exists(_path));
        Run(rtx, rows: 1);
    }

    [Fact, Trait("row", "RC-04")]
    public void An_empty_cache_leaves_an_existing_file_alone()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.WriteAllText(_path, "somebody else's");
        LocalModule module = Open();
        using (module.RuntimeCache(_path))
        {
            Assert.True(module.IsSetUp);
        }

        Assert.Equal("somebody else's", File.ReadAllText(_path));
    }

    [Fact, Trait("row", "RC-04")]
    public void A_cache_that_cannot_be_saved_is_logged_and_the_next_forward_is_right()
    {
        var log = new ListLog();
        using var local = new LocalRuntime(Platform.OpenEmulated(new EmulatedDevices(1, 1 << 24)), log)
        {
            Caches = new RuntimeCacheOptions { LockLimit = TimeSpan.FromMilliseconds(50) },
        };
        LocalModule module = local.Load(Rtx());
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        using (new FileStream(_path + ".lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 1);
        }

        Assert.Contains("locked by another process", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.False(File.Exists(_path));
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 4);
        }

        Assert.Equal(1, Entries(_path));
    }

    [Fact, Trait("row", "RC-04")]
    public void Any_damaged_byte_of_a_file_makes_an_empty_cache_and_never_a_failed_forward()
    {
        LocalModule module = Open();
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 1);
        }

        byte[] good = File.ReadAllBytes(_path);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] bad = [.. good];
            bad[at] ^= 0x40;
            var entries = new Dictionary<string, byte[]>();
            RuntimeCacheFormat.Read(bad, entries, out string? damage);
            Assert.NotNull(damage);
            Assert.Empty(entries);
            RuntimeCacheFormat.Read(good.AsSpan(0, at), entries, out damage);
            Assert.NotNull(damage);
        }

        File.WriteAllBytes(_path, good[..^1]);
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 1);
            Assert.Equal((1, 0), Kernels(module));
        }

        Assert.Equal(1, Entries(_path));
    }

    [Fact]
    public void A_file_with_a_right_checksum_and_wrong_lengths_is_damage_too()
    {
        byte[] good = RuntimeCacheFormat.Write(new Dictionary<string, byte[]> { ["key"] = [1, 2, 3], ["other"] = [] });
        for (int at = 8; at < good.Length - 32; at++)
        {
            foreach (byte value in (byte[])[0, 1, 0x7f, 0x80, 0xff])
            {
                byte[] forged = [.. good[..^32]];
                forged[at] = value;
                forged = [.. forged, .. System.Security.Cryptography.SHA256.HashData(forged)];
                var entries = new Dictionary<string, byte[]>();
                RuntimeCacheFormat.Read(forged, entries, out string? damage);
                Assert.Equal(damage is null ? 2 : 0, entries.Count);
            }
        }
    }

    [Fact]
    public void Somebody_elses_file_is_not_overwritten_and_one_that_cannot_be_read_is_not_lost()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        File.WriteAllText(_path, "a letter");
        LocalModule module = Open();
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 1);
        }

        Assert.Equal("a letter", File.ReadAllText(_path));
        Assert.False(File.Exists(_path + ".new"));
    }

    [Fact]
    public async Task A_save_that_waits_for_another_process_keeps_no_engine_waiting()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        var cache = new RuntimeCache(new RuntimeCacheFile(_path, TimeSpan.FromSeconds(30)));
        cache.Add("first", [1]);
        Task saving;
        using (new FileStream(_path + ".lock", FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            saving = Task.Run(cache.Save, TestContext.Current.CancellationToken);
            for (int round = 0; round < 1000; round++)
            {
                cache.Add($"kernel {round}", [2]);
                Assert.NotNull(cache.Find("first"));
                await Task.Yield();
            }

            Assert.False(saving.IsCompleted);
        }

        await saving.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        cache.Save();
        Assert.Equal(1001, Entries(_path));
    }

    [Fact, Trait("row", "RC-03")]
    public void One_tensorrt_rtx_engine_beside_fallback_segments_is_enough()
    {
        LocalModule module = _bench.Open(EmulatedModels.WithFallback(_bench.Folder, """, "rtx": true"""));
        using (module.RuntimeCache(_path))
        {
            Run(module, rows: 1, scale: 6);
        }

        Assert.Equal(1, Entries(_path));
    }

    [Fact]
    public void What_another_process_wrote_meanwhile_is_kept()
    {
        var file = new RuntimeCacheFile(_path, TimeSpan.FromSeconds(10));
        RuntimeCache ours = new(file),
            theirs = new(file);
        ours.Add("ours", [1]);
        theirs.Add("theirs", [2]);
        theirs.Save();
        ours.Save();
        Assert.Equal(2, Entries(_path));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(_path)!, "*.new"));
    }

    [Fact, Trait("row", "RC-02")]
    public void A_cache_that_is_opened_is_saved_by_its_caller_alone()
    {
        LocalModule module = Open();
        using (RuntimeCacheScope scope = module.OpenRuntimeCache(_path))
        {
            scope.Save(_path);
            Assert.False(File.Exists(_path));
            Run(module, rows: 1);
            scope.Save(_path);
            Assert.Equal(1, Entries(_path));
            Run(module, rows: 2);
        }

        Assert.Equal(1, Entries(_path));
    }

    [Theory]
    [InlineData("/etc/passwd")]
    [InlineData("../up")]
    [InlineData("a/../../up")]
    [InlineData("a\\..\\up")]
    public void A_node_keeps_caches_in_its_folder(string path)
    {
        var options = new RuntimeCacheOptions(_bench.Folder.Path, InFolderOnly: true);
        Assert.Contains(
            "is not a name inside the node's cache folder",
            Assert.Throws<ForwardException>(() => options.Resolve(path)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(Path.Combine(_bench.Folder.Path, "a", "b.cache"), options.Resolve("a/b.cache"));
    }

    [Fact, Trait("row", "RS-01")]
    public void By_default_kernels_are_specialized_lazily_and_kept_in_a_file_of_this_user_below_the_temporary_folder()
    {
        Assert.Equal(
            new RuntimeSettings(KernelSpecialization.Lazy, EngineGraphStrategy.Disabled, "runtime.cache"),
            RuntimeSettings.Default
        );
        string path = new RuntimeCacheOptions().Resolve(RuntimeSettings.Default.CachePath!);
        Assert.StartsWith(Path.GetTempPath(), path, StringComparison.Ordinal);
        Assert.Contains(Environment.UserName, path, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "RS-04")]
    public void A_module_that_is_loaded_again_has_the_default_settings_and_takes_others()
    {
        LocalModule module = Open();
        EnteredMode scope = module.RuntimeConfig(KernelSpecialization.Eager, cache: RuntimeCacheChoice.None);
        Assert.Equal(new RuntimeSettings(KernelSpecialization.Eager, CachePath: null), module.Instance.Settings.Current.RuntimeSettings);
        module.Dispose();
        scope.Dispose();
        LocalModule again = Open();
        Assert.Equal(RuntimeSettings.Default, again.Instance.Settings.Current.RuntimeSettings);
        using (again.RuntimeConfig(KernelSpecialization.None))
        {
            Assert.Equal(KernelSpecialization.None, again.Instance.Settings.Current.RuntimeSettings.Specialization);
            Run(again, rows: 1);
        }

        Assert.Equal(RuntimeSettings.Default, again.Instance.Settings.Current.RuntimeSettings);
    }

    [Fact, Trait("row", "RS-02")]
    public void Equal_settings_rebuild_no_context_and_several_knobs_rebuild_it_once()
    {
        LocalModule module = Open();
        Run(module, rows: 1);
        long contexts = module.Counts.Contexts;
        using (module.RuntimeConfig(KernelSpecialization.Lazy))
        {
            Run(module, rows: 1);
            Assert.Equal(contexts, module.Counts.Contexts);
        }

        using (module.RuntimeConfig(KernelSpecialization.Eager, EngineGraphStrategy.WholeGraphCapture, RuntimeCacheChoice.InMemory))
        {
            Run(module, rows: 1);
            Assert.Equal(contexts + 1, module.Counts.Contexts);
        }
    }

    private static int Entries(string path)
    {
        var entries = new Dictionary<string, byte[]>();
        RuntimeCacheFormat.Read(File.ReadAllBytes(path), entries, out string? damage);
        Assert.Null(damage);
        return entries.Count;
    }

    private static (int Compiled, int Found) Kernels(LocalModule module)
    {
        SpecializedKernels kernels = ((EmulatedEngine)module.Instance.Engines[0]).Rtx!.Kernels!;
        return (kernels.Compiled, kernels.FoundInCache);
    }

    private static void Run(LocalModule module, int rows, float scale = 2)
    {
        float[] values = [.. Enumerable.Range(0, rows * 4).Select(value => (float)value)];
        Assert.Equal(values.Select(value => scale * value), Workbench.Floats(module.Forward(Workbench.Floats("x", [rows, 4], values))[0]));
    }

    private LocalModule Open(float scale = 2) => _bench.Open(Rtx(scale));

    private string Rtx(float scale = 2)
    {
        string name = $"rtx{scale}";
        _bench.Folder.Write($"{name}.onnx", TinyModels.Scale(scale));
        _bench.Folder.Write($"{name}.engine.json", $$"""{ "onnx": "{{name}}.onnx", "rtx": true }""");
        return _bench.Folder.Write(
            $"{name}.json",
            $$"""
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "{{name}}.engine.json", "inputs": ["x"], "outputs": ["y"] }] }
            """
        );
    }

    /// <summary>A memory stream that counts how often it was written to.</summary>
    private sealed class CountingStream : MemoryStream
    {
        public int Writes { get; private set; }

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            Writes++;
            base.Write(buffer);
        }
    }
}
