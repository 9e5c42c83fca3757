using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Artifacts;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Artifacts;

/// <summary>Exported programs of several engines: the graph's wiring is what runs, and what a module cannot say is refused.</summary>
public sealed class ProgramWiringTests
{
    private static readonly Tensor X = Workbench.Floats("arg", [1, 4], 1, 2, 3, 4);

    [Fact]
    public void Engines_are_connected_as_the_graph_says_whatever_their_own_names_are()
    {
        using var bench = new Workbench();
        LocalModule module = Open(
            bench,
            [Engine(PackedEngines.Split(), "x", "a%b"), Engine(PackedEngines.Difference(), "p%q", "r")],
            [
                SavedModels.Execute("execute_engine", "custom_obj_0", ["arg"], ["getitem", "getitem_1"]),
                SavedModels.Execute("execute_engine_1", "custom_obj_1", ["getitem_1", "getitem"], ["result"]),
            ],
            ["arg"],
            ["result"]
        );
        Assert.Equal(["_run_on_acc_0", "_run_on_acc_1"], module.Spec.Segments.Select(segment => segment.Name));

        // 3 x - 2 x; the other way round it would be negative.
        Assert.Equal([1, 2, 3, 4], Workbench.Floats(module.Forward(X)[0]));
    }

    [Theory]
    [InlineData(CudaGraphsMode.PerSegment)]
    [InlineData(CudaGraphsMode.WholeModule)]
    public void Graphs_of_a_connected_program_replay_the_same_answers(CudaGraphsMode mode)
    {
        using var bench = new Workbench();
        bench.Folder.Write(
            "program.pt2",
            SavedPrograms.Of(
                [Engine(PackedEngines.Split(), "x", "a%b"), Engine(PackedEngines.Difference(), "p%q", "r")],
                [
                    SavedModels.Execute("execute_engine", "custom_obj_0", ["arg"], ["getitem", "getitem_1"]),
                    SavedModels.Execute("execute_engine_1", "custom_obj_1", ["getitem_1", "getitem"], ["result"]),
                ],
                ["arg"],
                ["result"]
            )
        );
        ModuleInstance instance = bench.Load(Path.Combine(bench.Folder.Path, "program.pt2"));
        ModeSettings settings = ModeSettings.Default with { CudaGraphs = mode };
        for (int call = 1; call <= 4; call++)
        {
            Assert.Equal(
                [call, call, call, call],
                Workbench.Floats(Workbench.Forward(instance, settings, Workbench.Floats("arg", [1, 4], call, call, call, call))[0])
            );
        }

        Assert.True(instance.Counters.Snapshot().Captures > 0);
    }

    [Fact]
    public void One_engine_called_twice_and_one_value_read_twice()
    {
        using var bench = new Workbench();
        LocalModule module = Open(
            bench,
            [Engine(PackedEngines.Scale(3), "x", "y"), Engine(PackedEngines.Difference(), "p%q", "r")],
            [
                SavedModels.Execute("first", "custom_obj_0", ["arg"], ["once"]),
                SavedModels.Execute("second", "custom_obj_0", ["once"], ["twice"]),
                SavedModels.Execute("third", "custom_obj_1", ["twice", "twice"], ["nothing"]),
            ],
            ["arg"],
            ["twice", "nothing"]
        );
        Tensor[] outputs = module.Forward(X);
        Assert.Equal([9, 18, 27, 36], Workbench.Floats(outputs[0]));
        Assert.Equal([0, 0, 0, 0], Workbench.Floats(outputs[1]));
        Assert.Equal(["_run_on_acc_0", "_run_on_acc_1", "_run_on_acc_2"], module.Spec.Segments.Select(segment => segment.Name));
    }

    [Fact]
    public void Outputs_that_nobody_takes_are_computed_and_not_returned()
    {
        using var bench = new Workbench();
        object first = new
        {
            target = "torch.ops.tensorrt.execute_engine.default",
            inputs = new object[]
            {
                new { name = "i", arg = new { as_tensors = new[] { new { name = "arg" } } } },
                new { name = "e", arg = new { as_custom_obj = new { name = "custom_obj_0", class_fqn = "" } } },
            },
            outputs = new[] { SavedModels.Tensor("list") },
            name = "execute_engine",
        };
        LocalModule module = Open(
            bench,
            [Engine(PackedEngines.Split(), "x", "a%b")],
            [first, SavedModels.GetItem("list", 1, "second")],
            ["arg"],
            ["second"]
        );
        Assert.Equal([3, 6, 9, 12], Workbench.Floats(Assert.Single(module.Forward(X))));

        // The same without names in the record, which leaves the count to the engine.
        LocalModule unnamed = Open(
            bench,
            [
                Engine(
                    PackedEngines.Of(
                        new TinyOnnx()
                            .Input("in_0", TinyOnnx.Element.Float, "n", 4)
                            .Output("out_1", TinyOnnx.Element.Float, "n", 4)
                            .Output("out_0", TinyOnnx.Element.Float, "n", 4)
                            .Constant("two", [2f], 1)
                            .Node("Mul", ["in_0", "two"], ["out_0"])
                            .Node("Neg", ["in_0"], ["out_1"])
                    ),
                    "",
                    ""
                ),
            ],
            [first, SavedModels.GetItem("list", 0, "only")],
            ["arg"],
            ["only"]
        );
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(Assert.Single(unnamed.Forward(X))));
    }

    [Fact, Trait("row", "AL-04")]
    public void An_input_that_the_engine_writes_in_place_may_be_a_mutation_of_the_program()
    {
        using var bench = new Workbench();
        string[] cache = RecordStrings.Fields(
            inputs: "cache%x",
            outputs: "total%updated",
            aliases: "updated@cache@kv_cache_update",
            plan: PackedEngines.Cache()
        );
        object[] nodes = [SavedModels.Execute("execute_engine", "custom_obj_0", ["kv", "step"], ["sum", "kv_new"])];
        object written = new { user_input_mutation = new { arg = new { name = "kv_new" }, user_input_name = "kv" } };
        LocalModule module = bench.Open(
            bench.Folder.Write("cache.pt2", SavedPrograms.Of([cache], nodes, ["kv", "step"], ["sum"], [written]))
        );

        using var caller = new DeviceCaller(bench, module);
        DeviceTensor kv = caller.Upload(Workbench.Floats("kv", [64], new float[64])),
            step = caller.Upload(Workbench.Floats("step", [1], 2));
        DeviceTensor sum = caller.Call(kv, step)[0];
        Assert.Equal([128], caller.Floats(sum));
        Assert.All(caller.Floats(kv), value => Assert.Equal(2, value));
        Array.ForEach([kv, step, sum], tensor => tensor.Return());

        Refused(
            bench,
            SavedPrograms.Of(
                [RecordStrings.Fields(inputs: "p%q", outputs: "r", aliases: "r@p@user", plan: PackedEngines.Difference())],
                [SavedModels.Execute("execute_engine", "custom_obj_0", ["kv", "kv"], ["sum"])],
                ["kv"],
                ["sum"]
            ),
            FailureKind.InvalidModel,
            "writes 'kv' in place and reads it as another input at the same time"
        );
        string[] contradicting = [.. cache];
        (contradicting[9], contradicting[12]) = ("1", "");
        Refused(
            bench,
            SavedPrograms.Of([contradicting], nodes, ["kv", "step"], ["sum"]),
            FailureKind.InvalidModel,
            "Aliased output updated is incompatible with dynamic output allocator"
        );
        object elsewhere = new { user_input_mutation = new { arg = new { name = "sum" }, user_input_name = "step" } };
        Refused(
            bench,
            SavedPrograms.Of([cache], nodes, ["kv", "step"], ["sum"], [elsewhere]),
            FailureKind.NotSupported,
            "writes the value 'sum' back to 'step' after its engines ran"
        );
    }

    [Fact]
    public void What_a_module_cannot_say_is_refused_with_its_reason_and_the_next_program_loads()
    {
        using var bench = new Workbench();
        string[] engine = Engine(PackedEngines.Scale(2), "x", "y");
        object[] call = [SavedModels.Execute("execute_engine", "custom_obj_0", ["arg"], ["y"])];
        object cache = new
        {
            buffer = new
            {
                arg = new { name = "b_cache" },
                buffer_name = "cache",
                persistent = true,
            },
        };
        Refused(
            bench,
            SavedPrograms.Of([engine], call, ["arg"], ["y", "arg"]),
            FailureKind.NotSupported,
            "returns its input 'arg' as it is"
        );
        Refused(bench, SavedPrograms.Of([engine], call, ["arg"], ["y", "y"]), FailureKind.NotSupported, "returns the value 'y' 2 times");
        Refused(
            bench,
            SavedPrograms.Of(
                [Engine(PackedEngines.Difference(), "p%q", "r")],
                [SavedModels.Execute("execute_engine", "custom_obj_0", ["arg", "b_cache"], ["y"])],
                ["arg"],
                ["y"],
                moreInputs: [cache]
            ),
            FailureKind.NotSupported,
            "read 1 tensors that the program brings along: cache (Buffer)"
        );
        Refused(
            bench,
            SavedPrograms.Of([engine], [.. call, SavedModels.Operator("relu", "torch.ops.aten.relu.default", "y", "z")], ["arg"], ["z"]),
            FailureKind.NotSupported,
            "1 node is not run by an engine: relu: torch.ops.aten.relu.default"
        );
        Refused(
            bench,
            SavedPrograms.Of([engine], call, ["arg", "spare"], ["y"]),
            FailureKind.InvalidModel,
            "has the input 'spare' that no engine reads"
        );
        Refused(
            bench,
            SavedPrograms.Of([Engine(PackedEngines.Scale(2), "x", "wrong")], call, ["arg"], ["y"]),
            FailureKind.InvalidModel,
            "Could not find a TensorRT engine binding for output named wrong"
        );
        Refused(
            bench,
            SavedPrograms.Of([Engine(PackedEngines.Difference("p_0", "q_1", "r_0"), "", "")], call, ["arg"], ["y"]),
            FailureKind.InvalidModel,
            "Wrong number of inputs, expected 2 got 1"
        );
        Refused(
            bench,
            SavedPrograms.Of(
                [RecordStrings.Fields(inputs: "x", outputs: "y", platform: "windows_x86_64", plan: PackedEngines.Scale(2))],
                call,
                ["arg"],
                ["y"]
            ),
            FailureKind.NotSupported,
            "was built for windows_x86_64"
        );
        string[] nccl = Engine(PackedEngines.Scale(2), "x", "y");
        nccl[11] = "1";
        Refused(bench, SavedPrograms.Of([nccl], call, ["arg"], ["y"]), FailureKind.NotSupported, "requires_native_multidevice");
        Refused(
            bench,
            SavedPrograms.Of([Engine(RecordStrings.Plan(), "x", "y")], call, ["arg"], ["y"]),
            FailureKind.NotSupported,
            "wants the back end 'tensorrt' for 'refused.pt2', which is not in this build"
        );
    }

    [Fact]
    public void A_program_keeps_the_shapes_and_bounds_it_was_exported_with()
    {
        using var bench = new Workbench();
        byte[] plan = PackedEngines.Of(
            new TinyOnnx().Input("x", TinyOnnx.Element.Float, "n", 3).Output("y", TinyOnnx.Element.Float, "n", 3).Node("Neg", ["x"], ["y"])
        );
        LocalModule module = Open(
            bench,
            [Engine(plan, "x", "y")],
            [SavedModels.Execute("execute_engine", "custom_obj_0", ["x"], ["y"])],
            ["x"],
            ["y"]
        );
        Assert.Equal([-1, -2, -3], Workbench.Floats(module.Forward(Workbench.Floats("x", [1, 3], 1, 2, 3))[0]));
        ForwardException refused = Assert.Throws<ForwardException>(() => module.Forward(Workbench.Floats("x", [17, 3], new float[51])));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
    }

    [Fact]
    public void TorchScript_of_several_engines_or_several_calls_is_refused_as_its_code_is_not_run()
    {
        using var bench = new Workbench();
        string[] fields = Engine(PackedEngines.Scale(2), "x", "y");
        Refused(
            bench,
            SavedModels.TorchScript("ops.tensorrt.execute_engine([x], engine); ops.tensorrt.execute_engine([x], engine)", fields),
            FailureKind.NotSupported,
            "calls its one engine 2 times",
            "m.ts"
        );
        Refused(
            bench,
            SavedModels.TorchScript(
                fields: fields,
                change: entries => entries["constants.pkl"] = PickleWriter.Protocol(2).ScriptEngine(fields).Raw(0x85).End()
            ),
            FailureKind.NotSupported,
            "it holds 2 engines (_run_on_acc_0.engine, CONSTANTS.0), and only its TorchScript code says how they are connected",
            "m.ts"
        );
    }

    /// <summary>Refused with nothing left on the device; the next program loads and runs.</summary>
    private static void Refused(Workbench bench, byte[] file, FailureKind kind, string text, string name = "refused.pt2")
    {
        long before = bench.Platform.Memory.CountsOf(0).Used;
        int alive = bench.Driver.Alive().Count;
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Local.Load(bench.Folder.Write(name, file)));
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.Equal(kind, refused.Kind);
        Assert.Equal(before, bench.Platform.Memory.CountsOf(0).Used);
        Assert.InRange(bench.Driver.Alive().Count, 0, alive);
        using LocalModule good = bench.Local.Load(
            bench.Folder.Write("good.pt2", SavedPrograms.OneEngine(Engine(PackedEngines.Scale(2), "x", "y")))
        );
        Assert.Equal([2, 4, 6, 8], Workbench.Floats(good.Forward(X with { Name = "arg0" })[0]));
    }

    private static LocalModule Open(Workbench bench, IReadOnlyList<string[]> engines, object[] nodes, string[] inputs, string[] outputs) =>
        bench.Open(bench.Folder.Write("program.pt2", SavedPrograms.Of(engines, nodes, inputs, outputs)));

    private static string[] Engine(byte[] plan, string inputs, string outputs) =>
        RecordStrings.Fields(inputs: inputs, outputs: outputs, plan: plan);
}
