using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Modules;

/// <summary>Where strings cannot be (<see cref="HostTensors"/>) a module with them is refused when it is loaded, and says where they can
/// be.</summary>
public sealed class HostTensorsTests
{
    [Theory]
    [InlineData("emulated", "engine.json", 0, "[]", "its back end 'emulated' has no strings")]
    [InlineData("onnxruntime", "net.onnx", 1, "[]", "segment '_run_on_acc_0' is placed on another device")]
    [InlineData("onnxruntime", "net.onnx", 0, """[{ "output": "y", "input": "x" }]""", "is of type BYTES and written in place")]
    public void A_module_with_strings_elsewhere_is_refused(string backend, string file, int device, string aliases, string why)
    {
        using Workbench bench = Workbench.WithDevices(2);
        bench.Folder.Write("net.onnx", TinyModels.Texts());
        bench.Folder.Write("engine.json", """{ "onnx": "net.onnx" }""");
        string path = bench.Folder.Write(
            "module.json",
            $$"""
            { "inputs": [{ "name": "x", "dtype": "BYTES", "shape": ["n"] }], "outputs": [{ "name": "y", "dtype": "BYTES", "shape": ["n"] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "{{backend}}", "file": "{{file}}", "device": {{device}},
                             "inputs": ["x"], "outputs": ["y"], "aliases": {{aliases}} }] }
            """
        );

        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));

        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
    }
}
