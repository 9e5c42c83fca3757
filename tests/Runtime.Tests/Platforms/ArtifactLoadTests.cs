using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Artifacts;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Platforms;

/// <summary>One engine in each form that torch_tensorrt saves, loaded and run: the answers are those of the ONNX model itself.</summary>
public sealed class ArtifactLoadTests
{
    private static readonly Tensor X = Workbench.Floats("x", [2, 4], 1, 2, 3, 4, 5, 6, 7, 8);

    [Theory, Trait("row", "SE-01"), Trait("row", "SE-06")]
    [InlineData("model.plan")]
    [InlineData("model.engine")]
    [InlineData("model.tr01")]
    [InlineData("model.ts")]
    [InlineData("model.pt2")]
    [InlineData("record")]
    public void One_engine_answers_alike_in_every_form_it_is_saved_in(string form)
    {
        using var bench = new Workbench();
        float[] plain = Workbench.Floats(bench.Open(TinyModels.Scale(3)).Forward(X)[0]);
        LocalModule module = Saved(bench, form, PackedEngines.Scale(3), inputs: "x", outputs: "y");

        Tensor output = Assert.Single(module.Forward(X with { Name = form == "model.pt2" ? "arg0" : "x" }));
        Assert.Equal(plain, Workbench.Floats(output));
        Assert.Equal(form == "model.pt2" ? "troupe_module" : "tensorrt_plan", module.Instance.Module.Platform);
        Assert.Equal("emulated", Assert.Single(module.Spec.Segments).Backend);
    }

    [Fact, Trait("row", "SE-04")]
    public void A_raw_plan_runs_under_the_names_its_caller_gives_in_their_order()
    {
        using var bench = new Workbench();
        byte[] plan = PackedEngines.Difference("b", "a", "output0");
        LocalModule module = bench.Keep(bench.Local.LoadPlan(plan, ["a", "b"], ["output0"]));
        Assert.Equal(["a", "b"], module.Spec.Inputs.Select(input => input.Name));

        using var caller = new DeviceCaller(bench, module);
        DeviceTensor output = caller.Call(Workbench.Floats("a", [1, 4], 1, 1, 1, 1), Workbench.Floats("b", [1, 4], 9, 8, 7, 6));
        Assert.Equal([8, 7, 6, 5], caller.Floats(output));
        output.Return();
    }

    [Fact, Trait("row", "SE-04")]
    public void A_manifest_names_a_plan_by_file_and_TensorRT_as_its_back_end()
    {
        using var bench = new Workbench();
        bench.Folder.Write("net.plan", PackedEngines.Difference("a", "b", "output0"));
        LocalModule module = bench.Open(
            bench.Folder.Write(
                "module.json",
                """
                { "inputs": [{ "name": "a", "dtype": "FP32", "shape": ["n", 4] }, { "name": "b", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "output0", "dtype": "FP32", "shape": ["n", 4] }],
                  "segments": [{ "name": "_run_on_acc_0", "backend": "tensorrt", "file": "net.plan", "inputs": ["a", "b"], "outputs": ["output0"] }] }
                """
            )
        );
        Assert.Equal(
            [4, 4, 4, 4],
            Workbench.Floats(module.Forward(Workbench.Floats("a", [1, 4], 5, 5, 5, 5), Workbench.Floats("b", [1, 4], 1, 1, 1, 1))[0])
        );
    }

    [Fact, Trait("row", "SE-03")]
    public void Without_names_the_index_at_the_end_tells_the_order()
    {
        using var bench = new Workbench();
        EngineRecord record = new() { Name = "net", Plan = PackedEngines.Difference("x.1", "y_0", "out_0") };
        LocalModule module = bench.Keep(bench.Local.LoadRecord(record));
        Assert.Equal(["y_0", "x.1"], module.Spec.Inputs.Select(input => input.Name));
        Assert.Equal(["y_0", "x.1"], bench.Keep(bench.Local.LoadPlan(record.Plan, [], [])).Spec.Inputs.Select(input => input.Name));
    }

    [Fact, Trait("row", "SE-03")]
    public void A_raw_plan_whose_names_follow_no_convention_keeps_its_own_order_and_a_record_does_not()
    {
        using var bench = new Workbench();
        byte[] plan = PackedEngines.Difference("images", "mean", "result");
        Assert.Equal(["images", "mean"], bench.Open(bench.Folder.Write("model.plan", plan)).Spec.Inputs.Select(input => input.Name));
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() =>
            bench.Local.LoadRecord(new EngineRecord { Name = "net", Plan = plan })
        );
        Assert.Contains("the input 'images' does not end in an index", refused.Message, StringComparison.Ordinal);
    }

    [Theory, Trait("row", "SE-03")]
    [InlineData("x%z", "y", "Could not find a TensorRT engine binding for input named z")]
    [InlineData("x", "z", "Could not find a TensorRT engine binding for output named z")]
    [InlineData("y", "x", "Binding y specified as input but found as output in TensorRT engine")]
    [InlineData("x", "x", "Binding x specified as output but found as input in TensorRT engine")]
    [InlineData("x", "", "the engine has the output 'y' that is not among the given names")]
    [InlineData("x%x", "y", "'x' stands twice among the input names")]
    public void Names_that_are_not_the_engines_are_refused_and_the_right_ones_load(string inputs, string outputs, string text)
    {
        using var bench = new Workbench();
        byte[] plan = PackedEngines.Scale(2);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Local.LoadPlan(plan, Split(inputs), Split(outputs)));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Driver.Alive());
        Assert.Equal(0, bench.Driver.Snapshot(0).BytesInUse);
        Assert.Equal([2, 4, 6, 8, 10, 12, 14, 16], Workbench.Floats(bench.Keep(bench.Local.LoadPlan(plan, ["x"], ["y"])).Forward(X)[0]));
    }

    [Fact, Trait("row", "OP-01")]
    public void Profiles_are_the_engines_own_also_from_raw_bytes()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Keep(bench.Local.LoadPlan(PackedEngines.TwoProfiles(), [], []));
        ProfileSpec[] profiles = [.. module.Instance.Engines[0].Profiles];
        Assert.Equal(2, module.Traits.ProfileCount);
        Assert.Equal(["[4,1,16]", "[4,32,16]"], profiles.Select(profile => profile.Ranges[0].Max.ToString()));
    }

    [Fact, Trait("row", "LZ-01")]
    public void A_lazily_loaded_artifact_is_bytes_until_it_is_set_up()
    {
        using var bench = new Workbench();
        string path = bench.Folder.Write("model.tr01", Container(PackedEngines.Scale(2), "x", "y"));
        LocalModule module = bench.Keep(bench.Local.Load(path, lazy: true));
        Assert.False(module.IsSetUp);
        Assert.Empty(bench.Driver.Alive());
        Assert.Equal(FailureKind.ModelNotLoaded, Assert.Throws<ForwardException>(() => module.Forward(X)).Kind);
        module.Setup();
        IReadOnlyList<IEngine> engines = module.Instance.Engines;
        module.Setup();
        Assert.Same(engines, module.Instance.Engines);
        Assert.Equal(2, Workbench.Floats(module.Forward(X)[0])[0]);
    }

    [Theory, Trait("row", "AL-04"), Trait("row", "AL-05")]
    [InlineData(true)]
    [InlineData(false)]
    public void An_aliased_engine_saved_and_loaded_again_still_writes_in_place(bool declaredByEngine)
    {
        using var bench = new Workbench();
        EngineRecord record = new()
        {
            Name = "cache",
            Plan = declaredByEngine ? PackedEngines.Cache() : PackedEngines.Cache(""),
            InputNames = ["cache", "x"],
            OutputNames = ["total", "updated"],
            Aliases = [new AliasSpec("updated", "cache", AliasKind.KvCacheUpdate)],
        };
        byte[] container = ContainerFile.Write(record);
        Assert.Equal("TR02"u8, container.AsSpan(0, 4));
        LocalModule module = bench.Open(bench.Folder.Write("cache.tr02", container));
        Assert.Equal(["total"], module.Spec.Outputs.Select(output => output.Name));

        using var caller = new DeviceCaller(bench, module);
        DeviceTensor cache = caller.Upload(Workbench.Floats("cache", [64], new float[64]));
        foreach ((float value, float sum) in new[] { (1f, 64f), (5f, 384f), (0f, 384f) })
        {
            DeviceTensor x = caller.Upload(Workbench.Floats("x", [1], value));
            DeviceTensor total = caller.Call(cache, x)[0];
            Assert.Equal(sum, Assert.Single(caller.Floats(total)));
            total.Return();
            x.Return();
        }

        Assert.All(caller.Floats(cache), value => Assert.Equal(6, value));
        cache.Return();
    }

    [Fact]
    public void A_record_that_asks_for_dynamic_workspace_starts_with_it_and_modes_may_change_it()
    {
        using var bench = new Workbench();
        EngineRecord record = new()
        {
            Name = "net",
            Plan = PackedEngines.Scale(2, more: """, "workspaceBytes": 4096"""),
            InputNames = ["x"],
            OutputNames = ["y"],
            ResourceAllocation = ResourceAllocation.Dynamic,
        };
        LocalModule module = bench.Keep(bench.Local.LoadRecord(record));
        Assert.Equal(WorkspaceStrategy.Dynamic, module.Instance.Settings.Workspace);
        Assert.Equal(2, Workbench.Floats(module.Forward(X)[0])[0]);
        using (module.ResourceAllocationStrategy(WorkspaceStrategy.Static))
        {
            Assert.Equal(WorkspaceStrategy.Static, module.Instance.Settings.Workspace);
            Assert.Equal(2, Workbench.Floats(module.Forward(X)[0])[0]);
        }

        Assert.Equal(WorkspaceStrategy.Dynamic, module.Instance.Settings.Workspace);
        Assert.Equal(
            WorkspaceStrategy.Static,
            bench.Keep(bench.Local.LoadRecord(record with { ResourceAllocation = ResourceAllocation.Static })).Instance.Settings.Workspace
        );
    }

    [Fact]
    public void A_record_says_who_owns_outputs_and_whether_an_allocator_is_needed()
    {
        using var bench = new Workbench();
        string[] fields = RecordStrings.Fields(
            inputs: "x",
            outputs: "y",
            unowned: true,
            plan: PackedEngines.Scale(2),
            requiresAllocator: "1"
        );
        LocalModule module = bench.Keep(bench.Local.LoadRecord(EngineRecord.Parse(RecordStrings.Utf8(fields), "test")));
        Assert.True(module.Traits.RequiresOutputAllocator);
        Assert.True(module.Instance.Graph.Segments.Items[0].UnownedOutputs);
        Assert.Equal(2, Workbench.Floats(module.Forward(X)[0])[0]);
        fields = RecordStrings.Fields(inputs: "x", outputs: "y", unowned: false, plan: PackedEngines.Scale(2));
        Assert.False(
            bench
                .Keep(bench.Local.LoadRecord(EngineRecord.Parse(RecordStrings.Utf8(fields), "test")))
                .Instance.Graph.Segments.Items[0]
                .UnownedOutputs
        );
    }

    [Fact]
    public void The_device_is_one_that_the_engine_was_built_for()
    {
        var options = new EmulatedDriverOptions
        {
            Devices =
            [
                new EmulatedDeviceOptions
                {
                    ComputeMajor = 8,
                    ComputeMinor = 6,
                    Name = "A",
                },
                new EmulatedDeviceOptions { Name = "B" },
            ],
        };
        using var bench = new Workbench(options);
        EngineRecord record = new()
        {
            Name = "net",
            Plan = PackedEngines.Scale(2),
            InputNames = ["x"],
            OutputNames = ["y"],
            Device = new DeviceStamp(0, 9, 0, DeviceStampKind.Gpu, "B"),
        };
        Assert.Equal(1, bench.Keep(bench.Local.LoadRecord(record)).Instance.HomeOrdinal);
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Local.LoadRecord(record, device: 0));
        Assert.Equal(FailureKind.NotSupported, refused.Kind);
        Assert.Contains(
            "No compatible device was found for instantiating TensorRT engine: it was built for 'B' of compute capability 9.0; device 0 is 'A' (8.6)",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(0, bench.Keep(bench.Local.LoadRecord(record with { HardwareCompatible = true }, device: 0)).Instance.HomeOrdinal);
        ModuleLoadException dla = Assert.Throws<ModuleLoadException>(() =>
            bench.Local.LoadRecord(record with { Device = record.Device! with { Kind = DeviceStampKind.Dla } })
        );
        Assert.Contains("deep-learning accelerator", dla.Message, StringComparison.Ordinal);
    }

    [Fact, Trait("row", "MD-05")]
    public void The_callers_current_device_comes_before_the_recorded_one_and_that_before_the_first()
    {
        using var bench = Workbench.WithDevices(3);
        EngineRecord record = new()
        {
            Name = "net",
            Plan = PackedEngines.Scale(2),
            InputNames = ["x"],
            OutputNames = ["y"],
            Device = new DeviceStamp(2, 9, 0, DeviceStampKind.Gpu, bench.Platform.Devices[0].Name),
        };
        Assert.Equal(2, bench.Keep(bench.Local.LoadRecord(record)).Instance.HomeOrdinal);
        Assert.Equal(
            0,
            bench.Keep(bench.Local.LoadRecord(record with { Device = record.Device! with { Ordinal = 7 } })).Instance.HomeOrdinal
        );
        using DeviceContext current = DeviceContext.Retain(bench.Driver, 1);
        using (current.Enter())
        {
            Assert.Equal(1, bench.Keep(bench.Local.LoadRecord(record)).Instance.HomeOrdinal);
            Assert.Equal(0, bench.Keep(bench.Local.LoadRecord(record, device: 0)).Instance.HomeOrdinal);
            bench.Driver.CtxGetCurrent(out CuContext still).ThrowIfFailed();
            Assert.Equal(current.Handle, still);
        }
    }

    [Fact]
    public void A_real_model_answers_alike_as_an_artifact()
    {
        using var bench = new Workbench();
        string onnx = SamplePictures.ClassifierPath;
        byte[] plan = EmulatedPlan.Write("""{ "onnx": "model.onnx" }"""u8, File.ReadAllBytes(onnx));
        LocalModule direct = bench.Open(onnx),
            saved = bench.Open(bench.Folder.Write("model.plan", plan));
        TensorSpec input = Assert.Single(direct.Spec.Inputs);
        Assert.Equal(input, Assert.Single(saved.Spec.Inputs));
        long[] shape = [.. input.Shape.Span.ToArray().Select(dimension => dimension < 0 ? 2 : dimension)];
        var random = new Random(7);
        Tensor picture = Workbench.Floats(
            input.Name,
            shape,
            [.. Enumerable.Range(0, (int)shape.Aggregate(1L, (count, dimension) => count * dimension)).Select(_ => random.NextSingle())]
        );
        Assert.Equal(Workbench.Floats(direct.Forward(picture)[0]), Workbench.Floats(saved.Forward(picture)[0]));
    }

    private static LocalModule Saved(Workbench bench, string form, byte[] plan, string inputs, string outputs)
    {
        string[] fields = RecordStrings.Fields(inputs: inputs, outputs: outputs, plan: plan);
        return form switch
        {
            "model.plan" or "model.engine" => bench.Open(bench.Folder.Write(form, plan)),
            "model.tr01" => bench.Open(bench.Folder.Write(form, Container(plan, inputs, outputs))),
            "model.ts" => bench.Open(bench.Folder.Write(form, SavedModels.TorchScript(fields: fields))),
            "model.pt2" => bench.Open(bench.Folder.Write(form, SavedPrograms.OneEngine(fields))),
            _ => bench.Keep(bench.Local.LoadRecord(EngineRecord.Parse(RecordStrings.Utf8(fields), "test"))),
        };
    }

    private static byte[] Container(byte[] plan, string inputs, string outputs) =>
        ContainerFile.Write(
            new EngineRecord
            {
                Name = "net",
                Plan = plan,
                InputNames = Split(inputs),
                OutputNames = Split(outputs),
            }
        );

    private static string[] Split(string names) => names.Split('%', StringSplitOptions.RemoveEmptyEntries);
}
