using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Artifacts;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Manifests;

/// <summary>Files of modules: only regular ones are opened, without waiting, and what was read once can be required to be read
/// again.</summary>
public sealed class ModuleFilesTests
{
    [Theory]
    [InlineData("model.onnx")]
    [InlineData("model.plan")]
    [InlineData("module.json")]
    [InlineData("model.pt2")]
    public void A_pipe_is_refused_at_once_and_not_waited_for(string name)
    {
        using var bench = new Workbench();
        string pipe = Pipe(bench.Folder, name);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(pipe));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains("it is no regular file but a pipe, a socket or a device; name a file.", refused.Message, StringComparison.Ordinal);
        Assert.Contains(pipe, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_in_place_of_external_weights_is_refused_before_ONNX_Runtime_waits_for_it()
    {
        using var bench = new Workbench();
        Pipe(bench.Folder, "weights.bin");
        string model = bench.Folder.Write(
            "model.onnx",
            new TinyOnnx()
                .Input("x", TinyOnnx.Element.Float, "n", 4)
                .Output("y", TinyOnnx.Element.Float, "n", 4)
                .External("w", TinyOnnx.Element.Float, "weights.bin", 16, 4)
                .Node("Mul", ["x", "w"], ["y"])
        );
        Assert.Contains("no regular file", Assert.Throws<ModuleLoadException>(() => bench.Load(model)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("weights.bin", null)]
    [InlineData("kept/weights.bin", null)]
    [InlineData("kept/../weights.bin", null)]
    [InlineData("away/../weights.bin", "which is outside the module's folder")]
    [InlineData("circle", "its links lead in a circle, or are too many")]
    public void A_link_stays_in_the_modules_folder_read_as_the_system_reads_it(string target, string? problem)
    {
        using var root = new ModuleFolder();
        string folder = Path.Combine(root.Path, "m");
        Directory.CreateDirectory(Path.Combine(folder, "kept"));
        Directory.CreateDirectory(Path.Combine(root.Path, "other", "further"));
        File.CreateSymbolicLink(Path.Combine(folder, "away"), Path.Combine(root.Path, "other", "further"));
        File.CreateSymbolicLink(Path.Combine(folder, "circle"), "circle");
        File.CreateSymbolicLink(Path.Combine(folder, "named.bin"), target);
        foreach (string file in (string[])["m/weights.bin", "m/kept/weights.bin", "other/weights.bin"])
        {
            File.WriteAllText(Path.Combine(root.Path, file), "x");
        }

        Exception? refused = Record.Exception(() => ModuleFiles.Resolve(folder, "named.bin", "m"));
        Assert.Equal(problem is not null, refused is ModuleLoadException);
        Assert.Contains(problem ?? "", refused?.Message ?? "", StringComparison.Ordinal);
    }

    [Fact]
    public void A_socket_and_a_device_are_no_files()
    {
        using var folder = new ModuleFolder();
        string path = Path.Combine(folder.Path, "socket");
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        Assert.Contains("no regular file", Refused(path).Message, StringComparison.Ordinal);
        Assert.Contains("is empty", Refused("/dev/zero").Message, StringComparison.Ordinal);
        Assert.Equal(FailureKind.NotFound, Refused(Path.Combine(folder.Path, "nothing")).Kind);
        Assert.Equal(FailureKind.NotFound, Refused("a\0b").Kind);
        Assert.Contains("cannot be read", Refused(folder.Path).Message, StringComparison.Ordinal);
        static ModuleLoadException Refused(string path) => Assert.Throws<ModuleLoadException>(() => ModuleFiles.Read(path));
    }

    [Fact]
    public void What_was_tried_is_what_is_loaded_or_nothing()
    {
        using var bench = new Workbench();
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "y"));
        string module = bench.Folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "inputs": ["x"], "outputs": ["t"] },
                { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["t"], "outputs": ["y"] }] }
            """
        );
        var source = new ModuleSource(new ModelReference("m", 1), module);
        FileDigests tried = Platform.TryLoad(source, TestContext.Current.CancellationToken);
        Assert.Equal(
            ["a.onnx", "b.onnx", "module.json"],
            tried.ByPath.Keys.Select(path => Path.GetRelativePath(bench.Folder.Path, path)).Order(StringComparer.Ordinal)
        );

        ModuleSource bound = source with { Files = new FileDigests(tried.ByPath) };
        bench.Platform.LoadInstance(bound, 0, new(1), TestContext.Current.CancellationToken).Dispose();
        bench.Folder.Write("b.onnx", TinyModels.Scale(4, "t", "y"));
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            bench.Platform.LoadInstance(bound, 0, new(1), TestContext.Current.CancellationToken)
        );
        Assert.Contains("b.onnx' has changed since the model was tried", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "w.bin' has changed since the model was tried")]
    [InlineData(false, null)]
    public void What_a_library_read_by_itself_is_held_against_what_was_tried_once_more_afterwards(bool isChanged, string? because)
    {
        using var folder = new ModuleFolder();
        string path = Path.Combine(folder.Path, "w.bin");
        File.WriteAllText(path, "tried");
        var files = new FileDigests();
        ModuleFiles.Digest(path, files);
        using var made = new MemoryStream();

        MemoryStream Read()
        {
            File.WriteAllText(path, isChanged ? "other" : "tried");
            return made;
        }

        Exception? refused = Record.Exception(() => ModuleFiles.WhileUnchanged([path], new FileDigests(files.ByPath), Read));

        Assert.Equal(because is null, refused is null);
        Assert.Contains(because ?? "", refused?.Message ?? "", StringComparison.Ordinal);
        Assert.Equal(!isChanged, made.CanRead);
        Assert.Same(made, ModuleFiles.WhileUnchanged([path], null, () => made));
    }

    [Fact]
    public void An_artifact_is_read_from_the_file_that_was_digested_whatever_stands_at_its_path_meanwhile()
    {
        using var folder = new ModuleFolder();
        string path = Path.Combine(folder.Path, "net.plan"),
            other = Path.Combine(folder.Path, "other");
        File.WriteAllBytes(path, RecordStrings.Plan());
        File.WriteAllBytes(other, [.. RecordStrings.Plan(), 1, 2, 3, 4]);
        using FileStream file = ModuleFiles.Open(path);
        byte[] digest = ModuleFiles.Digest(file, path, null);
        File.Move(other, path, overwrite: true);

        ArtifactSpec artifact = ArtifactReader.Open(file.SafeFileHandle, path);

        Assert.Equal(digest, SHA256.HashData(artifact.Engines[0].Record.Plan.Span));
        Assert.NotEqual(digest, ModuleFiles.Digest(path, null));
    }

    [Theory]
    [InlineData("exts_ok")]
    [InlineData("extc_ok")]
    public void Weights_beside_a_model_are_part_of_what_was_tried(string name)
    {
        var source = new ModuleSource(new ModelReference("m", 1), CaseModels.PathOf(name));
        Assert.Equal(
            ["model.onnx", "w.bin"],
            Platform
                .TryLoad(source, TestContext.Current.CancellationToken)
                .ByPath.Keys.Select(Path.GetFileName)
                .Order(StringComparer.Ordinal)
        );
    }

    private static string Pipe(ModuleFolder folder, string name)
    {
        string path = Path.Combine(folder.Path, name);
        using Process made = Process.Start("mkfifo", path);
        made.WaitForExit();
        Assert.Equal(0, made.ExitCode);
        return path;
    }
}
