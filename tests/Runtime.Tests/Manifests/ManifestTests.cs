using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Manifests;

/// <summary>A manifest that is wrong in one place: one error that names the place, and nothing left behind.
/// Read by <see cref="ManifestReader"/>.</summary>
public sealed class ManifestTests
{
    private const string Good = """
        { "version": 1,
          "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4], "min": [1, 4], "opt": [2, 4], "max": [8, 4] }],
          "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
          "segments": [
            { "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "a.onnx", "device": 0, "inputs": ["x"], "outputs": ["t"], "aliases": [], "requiresOutputAllocator": false, "unownedOutputs": false },
            { "name": "_run_on_gpu_0", "backend": "onnxruntime", "file": "b.onnx", "inputs": ["t"], "outputs": ["y"] }] }
        """;

    public static TheoryData<string, string, string> Wrong() =>
        new()
        {
            { "\"version\": 1", "\"version\": 2", "module.json.version is 2; this build reads version 1" },
            { "\"inputs\": [{ \"name\": \"x\"", "\"input\": [{ \"name\": \"x\"", "module.json lacks 'inputs'" },
            {
                "\"shape\": [\"n\", 4], \"min\"",
                "\"shapes\": 1, \"shape\": [\"n\", 4], \"min\"",
                "module.json.inputs[0] has the unknown key 'shapes'"
            },
            {
                "\"dtype\": \"FP32\", \"shape\": [\"n\", 4], \"min\"",
                "\"dtype\": \"float\", \"shape\": [\"n\", 4], \"min\"",
                "module.json.inputs[0].dtype is 'float'; known are BOOL"
            },
            { "\"max\": [8, 4]", "\"max\": [8, 5]", "has min [1,4], opt [2,4], max [8,5] for the shape [-1,4]" },
            { "\"min\": [1, 4], \"opt\"", "\"min\": [3, 4], \"opt\"", "and rise from min to max" },
            { "\"min\": [1, 4], ", "", "has only some of 'min', 'opt' and 'max'" },
            {
                "\"shape\": [\"n\", 4], \"min\"",
                "\"shape\": [\"n\", -4], \"min\"",
                "module.json.inputs[0].shape[1] is the number -4; a dimension is a whole number from 0"
            },
            { "\"shape\": [\"n\", 4], \"min\"", "\"shape\": [1,1,1,1,1,1,1,1,1], \"min\"", "has 9 dimensions, at most 8" },
            { "_run_on_acc_0", "engine0", "is 'engine0'; an engine segment is called _run_on_acc_N" },
            { "_run_on_gpu_0", "_run_on_acc_0", "has two segments called '_run_on_acc_0'" },
            { "\"device\": 0", "\"device\": -1", "device is -1; it counts from the instance's home device" },
            { "\"device\": 0", "\"device\": \"0\"", "device is the text '0', not a whole number" },
            { "\"file\": \"a.onnx\"", "\"file\": \"../a.onnx\"", "names the file '../a.onnx', which is outside the module's folder" },
            { "\"file\": \"a.onnx\"", "\"file\": \"/etc/passwd\"", "names the file '/etc/passwd', which is outside" },
            { "\"file\": \"a.onnx\"", "\"file\": \"none.onnx\"", "There is no file" },
            {
                "\"backend\": \"onnxruntime\", \"file\": \"a.onnx\"",
                "\"backend\": \"magic\", \"file\": \"a.onnx\"",
                "wants the back end 'magic' for 'a.onnx', which is not in this build; it has 'onnxruntime'"
            },
            { "\"inputs\": [\"t\"]", "\"inputs\": [\"u\"]", "never assigns the tensor 'u' that segment '_run_on_gpu_0' reads" },
            {
                "\"inputs\": [\"x\"], \"outputs\": [\"t\"]",
                "\"inputs\": [\"y\"], \"outputs\": [\"t\"]",
                "wait for each other: _run_on_acc_0, _run_on_gpu_0"
            },
            { "\"outputs\": [\"t\"]", "\"outputs\": [\"y\"]", "assigns the tensor 'y' twice: in '_run_on_gpu_0' and in '_run_on_acc_0'" },
            { "\"outputs\": [{ \"name\": \"y\"", "\"outputs\": [{ \"name\": \"z\"", "declares the output 'z', which no segment computes" },
            {
                "\"inputs\": [\"x\"], \"outputs\": [\"t\"]",
                "\"inputs\": [\"x\", 3], \"outputs\": [\"t\"]",
                "inputs[1] is the number 3, not the name of a tensor"
            },
            {
                "\"outputs\": [\"t\"], \"aliases\": []",
                "\"outputs\": [\"t\"], \"aliases\": [{ \"output\": \"q\", \"input\": \"x\" }]",
                "aliases 'q', which is not an output of its segment"
            },
            {
                "\"aliases\": [], \"requiresOutputAllocator\": false",
                "\"aliases\": [{ \"output\": \"t\", \"input\": \"x\" }], \"requiresOutputAllocator\": true",
                "Aliased output t is incompatible with dynamic output allocator. Aliasing requires fixed output shape."
            },
            {
                "\"file\": \"b.onnx\"",
                "\"file\": \"int.onnx\"",
                "The tensor 't' is FP32, but the input 't' of '_run_on_gpu_0' wants INT64"
            },
            {
                "\"file\": \"b.onnx\"",
                "\"file\": \"wide.onnx\"",
                "The tensor 't' has the shape [-1,4], but the input 't' of '_run_on_gpu_0' wants [-1,5]"
            },
            {
                "\"file\": \"b.onnx\"",
                "\"file\": \"c.onnx\"",
                "Could not find an engine binding for input 't' of segment '_run_on_gpu_0' (c.onnx); it has 'v'"
            },
            {
                "\"file\": \"b.onnx\"",
                "\"file\": \"turned.onnx\"",
                "'t' is specified as input but found as output of segment '_run_on_gpu_0'"
            },
            { "\"version\": 1,", "\"version\": 1, \"version\": 1,", "is not a manifest" },
            { "\"version\": 1,", "\"version\": 1", "is not a manifest" },
        };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void One_mistake_is_one_clear_error(string right, string wrong, string expected)
    {
        using var bench = new Workbench();
        WriteModels(bench);
        Assert.Contains(right, Good, StringComparison.Ordinal);
        int at = Good.IndexOf(right, StringComparison.Ordinal);
        string path = bench.Folder.Write("module.json", Good[..at] + wrong + Good[(at + right.Length)..]);

        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Kind is FailureKind.InvalidModel or FailureKind.NotFound or FailureKind.NotSupported);
        Assert.Empty(bench.Driver.Alive());
    }

    [Fact]
    public void The_good_one_loads_in_derived_order_and_its_hash_covers_every_file()
    {
        using var bench = new Workbench();
        WriteModels(bench);
        string path = bench.Folder.Write("module.json", Good);
        ModuleSpec spec = bench.Load(path).Module;
        Assert.Equal(["_run_on_acc_0", "_run_on_gpu_0"], spec.Segments.Select(segment => segment.Name));
        Assert.Equal([SegmentKind.Engine, SegmentKind.Fallback], spec.Segments.Select(segment => segment.Kind));
        Assert.Equal("troupe_module", spec.Platform);
        Assert.True(spec.SafeToResend);

        bench.Folder.Write("b.onnx", TinyModels.Scale(99, "t", "y"));
        Assert.NotEqual(spec.Model.Hash, bench.Load(path).Module.Model.Hash);
    }

    [Fact]
    public void A_hash_covers_the_configuration_where_there_is_one()
    {
        using var bench = new Workbench();
        string folder = Path.Combine(bench.Folder.Path, "m");
        Directory.CreateDirectory(folder);
        string model = bench.Folder.Write("a.onnx", TinyModels.Scale(2));
        ContentHash bare = bench.Load(model).Module.Model.Hash;
        ContentHash[] configured = [.. new[] { "", "max_batch_size: 4", "max_batch_size: 8", "max_batch_size: 4" }.Select(HashWith)];
        Assert.Equal(4, configured.Append(bare).Distinct().Count());
        Assert.Equal(configured[1], configured[3]);
        Assert.Equal(bare, bench.Load(model).Module.Model.Hash);

        ContentHash HashWith(string text)
        {
            File.WriteAllText(Path.Combine(folder, "config.pbtxt"), text);
            var source = new ModuleSource(new ModelReference("m", 1), model)
            {
                Configuration = GivenConfiguration.Read(bench.Folder.Path, folder),
            };
            using ModuleInstance instance = bench.Platform.LoadInstance(source, 0, new InstanceOptions(1), CancellationToken.None);
            return instance.Module.Model.Hash;
        }
    }

    [Fact]
    public void Shapes_outside_the_declared_range_and_unequal_symbols_are_refused()
    {
        using var bench = new Workbench();
        bench.Folder.Write("s.onnx", TinyModels.Sum());
        ModuleInstance instance = bench.Load(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "a", "dtype": "FP32", "shape": ["k"], "min": [1], "max": [4] }, { "name": "b", "dtype": "FP32", "shape": ["k"] }],
                  "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["k"] }],
                  "segments": [{ "name": "_run_on_acc_0", "backend": "onnxruntime", "file": "s.onnx", "inputs": ["a", "b"], "outputs": ["y"] }] }
                """
            )
        );
        ForwardException range = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Workbench.Floats("a", [5], 1, 2, 3, 4, 5), Workbench.Floats("b", [5], 1, 2, 3, 4, 5))
        );
        Assert.Contains("admits [1] to [4]", range.Message, StringComparison.Ordinal);
        ForwardException unequal = Assert.Throws<ForwardException>(() =>
            Workbench.Forward(instance, Workbench.Floats("a", [2], 1, 2), Workbench.Floats("b", [1], 1))
        );
        Assert.Contains("The dimension 'k' is 2 in 'a' and 1 in 'b'", unequal.Message, StringComparison.Ordinal);
    }

    private static void WriteModels(Workbench bench)
    {
        bench.Folder.Write("a.onnx", TinyModels.Scale(2, "x", "t"));
        bench.Folder.Write("b.onnx", TinyModels.Scale(3, "t", "y"));
        bench.Folder.Write("c.onnx", TinyModels.Scale(3, "v", "y"));
        bench.Folder.Write("turned.onnx", TinyModels.Scale(3, "y", "t"));
        bench.Folder.Write("wide.onnx", TinyModels.Scale(3, "t", "y", width: 5));
        bench.Folder.Write(
            "int.onnx",
            new TinyOnnx()
                .Input("t", TinyOnnx.Element.Int64, "n", 4)
                .Output("y", TinyOnnx.Element.Float, "n", 4)
                .Node("Cast", ["t"], ["y"], ("to", 1))
        );
    }
}
