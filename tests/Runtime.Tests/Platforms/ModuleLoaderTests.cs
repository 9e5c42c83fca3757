using Troupe.Messages.Identity;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Platforms;

/// <summary>What loading a module says and leaves behind, beside the module.</summary>
public sealed class ModuleLoaderTests
{
    [Fact]
    public void What_is_done_otherwise_than_the_files_say_is_logged_while_it_is_loaded()
    {
        using var bench = new Workbench();
        bench.Folder.Write("net.onnx", TinyModels.Sum());
        bench.Folder.Write("engine.json", """{ "onnx": "net.onnx", "aliases": [{ "output": "y", "input": "a" }] }""");
        string module = bench.Folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "a", "dtype": "FP32", "shape": ["n"] }, { "name": "b", "dtype": "FP32", "shape": ["n"] }],
              "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n"] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "emulated", "file": "engine.json", "inputs": ["a", "b"], "outputs": ["y"],
                "aliases": [{ "output": "y", "input": "b" }] }] }
            """
        );
        var log = new ListLog();
        using (bench.Platform.LoadInstance(Source(module), 0, new InstanceOptions(1) { Log = log }, TestContext.Current.CancellationToken))
        {
            Assert.Equal(
                "While 'm' was loaded: The output 'y' of '_run_on_acc_0' is declared in place of 'b', and its engine names 'a'; 'b' is taken.",
                Assert.Single(log.Lines)
            );
        }
    }

    [Fact]
    public void Trying_a_module_needs_none_of_the_devices_that_it_spans_and_finds_what_a_load_would_refuse()
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
                { "name": "_run_on_acc_1", "backend": "onnxruntime", "file": "b.onnx", "device": 5, "inputs": ["t"], "outputs": ["y"] }] }
            """
        );
        Assert.Equal(3, Platform.TryLoad(Source(module), TestContext.Current.CancellationToken).ByPath.Count);
        bench.Folder.Write("b.onnx", "no model");
        Assert.Contains(
            "b.onnx' is not an ONNX model",
            Assert.Throws<ModuleLoadException>(() => Platform.TryLoad(Source(module), TestContext.Current.CancellationToken)).Message,
            StringComparison.Ordinal
        );
    }

    private static ModuleSource Source(string path) => new(new ModelReference("m", 1), path);
}
