using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Engines;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines;

/// <summary>Back ends are known by what they say of themselves alone: one more of them works everywhere, and nobody spells their
/// names.</summary>
public sealed class BackendCatalogueTests
{
    private static readonly BackendCatalogue WithZeros = StandardBackends.Catalogue.With(new ZeroBackend());

    [Fact]
    public void A_back_end_that_nobody_knows_loads_its_lone_file_and_answers_zeros()
    {
        using var bench = new Workbench(backends: WithZeros);
        ModuleInstance instance = bench.Load(bench.Folder.Write("model.zeros", ZeroBackend.File(elements: 3)));
        Assert.Equal("troupe_zeros", instance.Module.Platform);
        Assert.Equal("zeros", instance.Module.Segments[0].Backend);
        Tensor[] outputs = Workbench.Forward(instance, Workbench.Floats("x", [3], 1, 2, 3));
        Assert.Equal([0, 0, 0], Workbench.Floats(Assert.Single(outputs)));
    }

    [Fact]
    public void It_stands_in_a_module_between_others_and_is_recorded_with_them()
    {
        using var bench = new Workbench(backends: WithZeros);
        bench.Folder.Write("z.bin", ZeroBackend.File(elements: 4));
        string path = bench.Folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }], "outputs": [{ "name": "t", "dtype": "FP32", "shape": [4] }, { "name": "y", "dtype": "FP32", "shape": [4] }],
              "segments": [
                { "name": "_run_on_acc_0", "backend": "zeros", "file": "z.bin", "inputs": ["x"], "outputs": ["y"] },
                { "name": "_run_on_gpu_0", "backend": "kernels", "file": "k.json", "inputs": ["x"], "outputs": ["t"] }] }
            """
        );
        bench.Folder.Write("k.json", """{ "kernel": "relu_f32", "inputs": ["x"], "output": "t", "shape": [4] }""");
        ModuleInstance instance = bench.Load(path);
        foreach (CudaGraphsMode graphs in (CudaGraphsMode[])[CudaGraphsMode.Off, CudaGraphsMode.Auto])
        {
            for (int call = 0; call < 3; call++)
            {
                ModeSettings settings = ModeSettings.Default with { CudaGraphs = graphs };
                Tensor[] outputs = Workbench.Forward(instance, settings, Workbench.Floats("x", [4], 1, -2, 3, call));
                Assert.Equal([1, 0, 3, call], Workbench.Floats(outputs[0]));
                Assert.Equal([0, 0, 0, 0], Workbench.Floats(outputs[1]));
            }
        }
    }

    [Fact]
    public void Modes_that_need_a_facet_it_has_not_got_are_refused_by_name()
    {
        using var bench = new Workbench(backends: WithZeros);
        ModuleInstance instance = bench.Load(bench.Folder.Write("model.zeros", ZeroBackend.File(elements: 3)));
        Assert.Equal(0, instance.Traits.StreamableWeightBytes);
        Assert.False(instance.Traits.RuntimeSettings || instance.Traits.Profiling || instance.Traits.DynamicWorkspace);
        Assert.False(instance.Traits.OutputAllocator);
        ForwardException refused = Assert.Throws<ForwardException>(() =>
            instance.Apply(ModeSettings.Default with { WeightBudget = WeightBudget.OfBytes(1) })
        );
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
    }

    [Fact]
    public void A_segment_that_needs_an_allocator_is_refused_where_the_back_end_takes_none()
    {
        using var bench = new Workbench(backends: WithZeros);
        bench.Folder.Write("z.bin", ZeroBackend.File(elements: 4));
        string path = bench.Folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": [4] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "zeros", "file": "z.bin", "inputs": ["x"], "outputs": ["y"], "requiresOutputAllocator": true }] }
            """
        );
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains("needs an output allocator, which its back end 'zeros' does not take", refused.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Driver.Alive());
    }

    [Fact]
    public void A_file_of_another_name_is_refused_with_the_name_it_should_have()
    {
        using var bench = new Workbench(backends: WithZeros);
        string zeros = bench.Folder.Write("a.bin", ZeroBackend.File(elements: 3)),
            onnx = bench.Folder.Write("b.bin", TinyModels.AddOne().ToBytes());
        string refused = Assert.Throws<ModuleLoadException>(() => bench.Load(zeros)).Message;
        Assert.Contains("a lone model is a .onnx or .zeros file or an artifact", refused, StringComparison.Ordinal);
        Assert.EndsWith("It begins as files of the back end 'zeros' do: call it .zeros.", refused, StringComparison.Ordinal);
        Assert.EndsWith("call it .onnx.", Assert.Throws<ModuleLoadException>(() => bench.Load(onnx)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void First_bytes_tell_whose_a_file_is()
    {
        Assert.Equal("onnxruntime", Recognised(TinyModels.AddOne().ToBytes()));
        Assert.Equal("emulated", Recognised(PackedEngines.Scale(2)));
        Assert.Equal("zeros", Recognised(ZeroBackend.File(1)));
        Assert.Null(Recognised("ftrt, and what TensorRT alone reads"u8));
        Assert.Null(Recognised("PK\u0003\u0004"u8));
        Assert.Null(Recognised("""{ "kernel": "relu_f32" }"""u8));
        Assert.Null(Recognised([]));

        static string? Recognised(ReadOnlySpan<byte> head) => WithZeros.Recognise(head)?.Name;
    }

    [Fact]
    public void A_name_means_who_recognises_most_of_the_file_among_those_that_answer_to_it()
    {
        BackendCatalogue withPlans = WithZeros.With(new Described("tensorrt", head => head.StartsWith("ftrt"u8) ? 4 : 0));
        foreach ((BackendCatalogue catalogue, bool hasPlans) in new[] { (WithZeros, false), (withPlans, true) })
        {
            Assert.Equal("emulated", catalogue.Resolve("tensorrt", PackedEngines.Scale(2)));
            Assert.Equal("tensorrt", catalogue.Resolve("tensorrt", "ftrt 10.3"u8));
            Assert.Equal("emulated", catalogue.Resolve("emulated", """{ "onnx": "net.onnx" }"""u8));
            Assert.Equal("kernels", catalogue.Resolve("kernels", PackedEngines.Scale(2)));
            Assert.Equal("magic", catalogue.Resolve("magic", PackedEngines.Scale(2)));
            Assert.Equal(hasPlans ? "tensorrt" : null, catalogue.Recognise("ftrt 10.3"u8)?.Name);
            Assert.Equal("emulated", catalogue.Recognise(PackedEngines.Scale(2))?.Name);
        }
    }

    [Fact]
    public void Two_back_ends_of_one_name_are_refused() =>
        Assert.Contains(
            "'zeros'",
            Assert.Throws<ArgumentException>(() => WithZeros.With(new ZeroBackend())).Message,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("onnxruntime", "ONNX Runtime's CPU provider only")]
    [InlineData("emulated", "stands in for TensorRT on emulated devices")]
    [InlineData("zeros", "only good for tests")]
    [InlineData("tensorrt", "not in this build")]
    [InlineData("kernels", null)]
    public void What_keeps_a_back_end_from_real_devices_is_told_before_one_is_opened(string name, string? expected)
    {
        Assert.Equal(expected is null, WithZeros.Obstacle(name, DriverKind.Cuda) is null);
        Assert.Contains(expected ?? "", WithZeros.Obstacle(name, DriverKind.Cuda) ?? "", StringComparison.Ordinal);
        Assert.Equal(name == "tensorrt", WithZeros.Obstacle(name, DriverKind.Emulated) is not null);
    }

    [Fact]
    public void Files_of_a_repository_are_called_as_back_ends_call_them()
    {
        string[] artifacts = ["model.plan", "model.engine", "model.pt2", "model.ts", "model.pt", "model.tr01", "model.tr02"];
        IEnumerable<string> own = StandardBackends.Catalogue.Descriptions.Select(backend => backend.ModelFile).OfType<string>();
        Assert.Equal(["module.json", .. own.Except(artifacts), .. artifacts], RepositoryFiles.Names);
        Assert.Contains("model.onnx", RepositoryFiles.Names);
        Assert.Equal("model.plan", RepositoryFiles.NameFor("tensorrt_plan"));
        Assert.Equal("model.onnx", RepositoryFiles.NameFor("onnxruntime_onnx"));
        Assert.Equal("module.json", RepositoryFiles.NameFor("troupe_module"));
        Assert.Null(RepositoryFiles.NameFor("troupe_kernels"));
    }

    [Fact]
    public void Which_back_end_a_model_lacks_on_real_devices_is_told_by_its_files()
    {
        using var folder = new ModuleFolder();
        Assert.Equal("onnxruntime", RepositoryFiles.BackendMissingForCuda(folder.Write("model.onnx", TinyModels.AddOne())));
        Assert.Equal("emulated", RepositoryFiles.BackendMissingForCuda(folder.Write("model.plan", PackedEngines.Scale(2))));
        Assert.Equal("tensorrt", RepositoryFiles.BackendMissingForCuda(folder.Write("model.engine", "ftrt 10.3"u8.ToArray())));
        Assert.Null(RepositoryFiles.BackendMissingForCuda(folder.Write("labels.txt", "cat")));
        Assert.Null(RepositoryFiles.BackendMissingForCuda(folder.Write("module.json", "{ broken")));
        folder.Write("k.json", """{ "kernel": "relu_f32", "inputs": ["x"], "output": "y", "shape": [4] }""");
        Assert.Null(RepositoryFiles.BackendMissingForCuda(Module("kernels", "k.json")));
        Assert.Equal("onnxruntime", RepositoryFiles.BackendMissingForCuda(Module("onnxruntime", "model.onnx")));
        Assert.Equal("emulated", RepositoryFiles.BackendMissingForCuda(Module("tensorrt", "model.plan")));

        string Module(string backend, string file) =>
            folder.Write(
                "module.json",
                $$"""
                { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": [4] }],
                  "segments": [{ "name": "_run_on_acc_0", "backend": "{{backend}}", "file": "{{file}}", "inputs": ["x"], "outputs": ["y"] }] }
                """
            );
    }

    [Theory]
    [InlineData("onnxruntime")]
    [InlineData("emulated")]
    [InlineData("kernels")]
    public void An_engine_has_the_facets_that_its_lists_and_abilities_speak_of(string backend)
    {
        using var bench = new Workbench(backends: WithZeros);
        bench.Folder.Write("net.onnx", TinyModels.Scale(2));
        string path = backend switch
        {
            "onnxruntime" => Path.Combine(bench.Folder.Path, "net.onnx"),
            "emulated" => bench.Folder.Write("net.plan", PackedEngines.Scale(2, more: """, "streamableBytes": 64, "rtx": true""")),
            _ => Kernel(bench.Folder),
        };
        IEngine engine = bench.Load(path).Engines[0];
        bool isEmulated = backend == "emulated";
        Assert.Equal(isEmulated, engine.StreamableWeights is { Bytes: 64, Budget: 64 });
        Assert.Equal(isEmulated, engine.ConfigurableRuntime is not null);
        Assert.Equal(engine.Capabilities.HasFlag(EngineCapabilities.LayerProfiling), engine.LayerInformation is not null);
        using IExecutionContext context = engine.CreateContext(new FailureSlot(), WorkspaceStrategy.Static, profiler: null);
        Assert.Equal(engine.Capabilities.HasFlag(EngineCapabilities.OutputAllocator), context.AllocatedOutputs is not null);
        Assert.Equal(engine.Inputs.Any(input => input.IsShapeTensor), context.ShapeValues is not null);
        Assert.Equal(engine.Profiles.Count > 1, context.Profiles is not null);
        Assert.Null(context.Workspace);
    }

    /// <summary>A back end's name stands where it describes itself, and nowhere else in the product.</summary>
    [Fact]
    public void No_source_outside_the_back_ends_spells_the_name_of_one()
    {
        string root = Root();
        string[] names =
        [
            .. StandardBackends.Catalogue.Descriptions.SelectMany(backend => new[] { backend.Name, backend.Platform }),
            "tensorrt",
        ];
        IEnumerable<string> found =
            from project in new[] { "Messages", "Runtime", "Actors", "Hosting" }
            from file in Directory.EnumerateFiles(Path.Combine(root, project), "*.cs", SearchOption.AllDirectories)
            let path = Path.GetRelativePath(root, file)
            where !path.StartsWith("Runtime/Engines/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal)
            let text = File.ReadAllText(file)
            from name in names.Distinct()
            // The operator's word for a kind of device is also the name of a back end.
            where !(name == "emulated" && path.StartsWith("Hosting/", StringComparison.Ordinal))
            where text.Contains($"\"{name}\"", StringComparison.Ordinal)
            select $"{path} spells \"{name}\"";
        Assert.Equal(["Runtime/Artifacts/Programs/ArtifactSpec.cs spells \"tensorrt\""], found);
    }

    private static string Kernel(ModuleFolder folder)
    {
        folder.Write("k.json", """{ "kernel": "relu_f32", "inputs": ["x"], "output": "y", "shape": [4] }""");
        return folder.Write(
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": [4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": [4] }],
              "segments": [{ "name": "_run_on_gpu_0", "backend": "kernels", "file": "k.json", "inputs": ["x"], "outputs": ["y"] }] }
            """
        );
    }

    private static string Root()
    {
        string folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cluster.sln")))
        {
            folder = Path.GetDirectoryName(folder)!;
        }

        return folder;
    }

    /// <summary>A back end that only says what it is.</summary>
    private sealed class Described(string name, FileRecogniser recognise) : IEngineBackend
    {
        public BackendDescription Description { get; } = new(name, name) { Recognise = recognise };

        public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
