using System.Text;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts;

public sealed class ArtifactReaderTests
{
    [Theory]
    [InlineData(false), InlineData(true)]
    public void An_exported_program_gives_its_engines_and_their_wiring(bool deflate)
    {
        ArtifactSpec spec = ArtifactReader.Open(SavedModels.ExportedProgram(deflate: deflate), "net.pt2");
        Assert.Equal(ArtifactFormat.ExportedProgram, spec.Format);
        Assert.Equal([SavedModels.EngineOne, SavedModels.EngineTwo], spec.Engines.Select(engine => engine.Key));
        Assert.Equal([10, 9], spec.Engines.Select(engine => engine.Record.Abi));
        Assert.Equal([false, true], spec.Engines.Select(engine => engine.Record.OutputsAreUnowned));
        ArtifactGraph graph = spec.Graph!;
        Assert.Equal(["execute_engine", "execute_engine_1"], graph.Calls.Select(call => call.Node));
        Assert.Equal(["x"], graph.Calls[0].Inputs);
        Assert.Equal(["getitem", "getitem_1"], graph.Calls[0].Outputs);
        Assert.Equal(["getitem_1", "b_cache", "getitem"], graph.Calls[1].Inputs);
        Assert.Equal([0, 1], graph.Calls.Select(call => call.Engine));
        ArtifactTensor input = Assert.Single(graph.Inputs);
        Assert.Equal(("x", ElementType.Fp32), (input.Name, input.Type));
        Assert.Equal([-1, 3], input.Shape!);
        Assert.Equal(["s0", ""], input.Symbols);
        Assert.Equal([new ArtifactRange("s0", 1, 16)], graph.Ranges);
        Assert.Equal([new ArtifactMutation("getitem", "cache", IsInput: false)], graph.Mutations);
        Assert.Equal(["getitem_2"], graph.Outputs.Select(output => output.Name));
        ArtifactState state = Assert.Single(graph.State);
        Assert.Equal(("cache", ArtifactStateKind.Buffer, 16), (state.FullName, state.Kind, state.Data.Length));
    }

    [Fact]
    public void Getitem_nodes_are_listed_and_name_the_outputs_they_take()
    {
        object execute = new
        {
            target = "torch.ops.tensorrt.execute_engine.default",
            inputs = new object[]
            {
                new { name = "inputs", arg = new { as_tensors = new[] { new { name = "x" } } } },
                new { name = "engine", arg = new { as_custom_obj = new { name = "custom_obj_0", class_fqn = "" } } },
            },
            outputs = new[] { SavedModels.Tensor("engine_list") },
            name = "run",
        };
        ArtifactGraph graph = ArtifactReader
            .Open(
                WithGraph(
                    [execute, SavedModels.GetItem("engine_list", 1, "second")],
                    outputs: [new { user_output = new { arg = SavedModels.Tensor("second") } }]
                ),
                "net.pt2"
            )
            .Graph!;
        Assert.Equal([new ArtifactGetItem("run", 1, "second")], graph.GetItems);
        Assert.Equal(["", "second"], graph.Calls[0].Outputs);
    }

    [Fact]
    public void A_program_that_was_cross_compiled_for_Windows_carries_its_records_in_its_nodes()
    {
        ArtifactSpec spec = ArtifactReader.Open(
            WithGraph(
                [
                    SavedModels.Placeholder("placeholder", RecordStrings.Fields(platform: "windows_x86_64", outputs: "y"), ["x"], "list"),
                    SavedModels.GetItem("list", 0, "y"),
                ],
                outputs: [new { user_output = new { arg = SavedModels.Tensor("y") } }]
            ),
            "net.pt2"
        );
        ArtifactEngine engine = Assert.Single(spec.Engines);
        Assert.True(engine.CarriedByNode);
        Assert.Equal(RecordStrings.Plan(), engine.Record.Plan.ToArray());
        spec.EnsureRunsOn(TargetPlatform.WindowsX64);
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => spec.EnsureRunsOn(TargetPlatform.LinuxX64));
        Assert.Equal(ArtifactFault.WrongPlatform, refusal.Fault);
        Assert.Contains("built for windows_x86_64, this machine is linux_x86_64", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Operators_that_no_engine_runs_are_refused_all_in_one_list()
    {
        byte[] file = WithGraph([
            SavedModels.Execute("execute_engine", "custom_obj_0", ["x"], ["getitem"]),
            SavedModels.Operator("relu", "torch.ops.aten.relu.default", "getitem", "relu"),
            SavedModels.Operator("sort", "torch.ops.aten.sort.default", "relu", "getitem_2"),
        ]);
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => ArtifactReader.Open(file, "net.pt2"));
        Assert.Equal(ArtifactFault.UnsupportedNodes, refusal.Fault);
        Assert.Equal(["relu: torch.ops.aten.relu.default", "sort: torch.ops.aten.sort.default"], refusal.UnsupportedNodes);
        Assert.Contains(
            "2 nodes are not run by an engine: relu: torch.ops.aten.relu.default, sort",
            refusal.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void A_TorchScript_module_gives_its_engine_under_its_attribute()
    {
        ArtifactSpec spec = ArtifactReader.Open(SavedModels.TorchScript(), "net.ts");
        ArtifactEngine engine = Assert.Single(spec.Engines);
        Assert.Equal((ArtifactFormat.TorchScript, "_run_on_acc_0.engine", "a_b"), (spec.Format, engine.Key, engine.Record.SegmentName));
        Assert.True(engine.Record.OutputsAreUnowned);
        Assert.Null(spec.Graph);
    }

    [Theory]
    [InlineData("torch.relu(x)", "torch.relu in code/__torch__/torch_tensorrt.py")]
    [InlineData("ops.torchvision.nms(x, x, 0.5)", "ops.torchvision.nms in code/__torch__/torch_tensorrt.py")]
    public void TorchScript_code_that_calls_other_operators_is_refused_with_a_list(string operation, string listed)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() =>
            ArtifactReader.Open(SavedModels.TorchScript(operation), "net.ts")
        );
        Assert.Equal(ArtifactFault.UnsupportedNodes, refusal.Fault);
        Assert.Equal([listed], refusal.UnsupportedNodes);
    }

    [Fact]
    public void A_raw_plan_is_one_engine_without_names()
    {
        ArtifactSpec spec = ArtifactReader.Open(RecordStrings.Plan(), "net.plan");
        Assert.Equal(ArtifactFormat.Plan, spec.Format);
        Assert.Equal(RecordStrings.Plan(), spec.Engines[0].Record.Plan.ToArray());
        Assert.Empty(spec.Engines[0].Record.InputNames);
        spec.EnsureRunsOn(TargetPlatform.LinuxArm64);
    }

    [Fact]
    public void A_file_is_read_as_its_bytes_are_and_a_missing_one_is_refused()
    {
        string path = Path.Combine(Path.GetTempPath(), $"troupe-{Guid.NewGuid():N}.pt2");
        Assert.Equal(ArtifactFault.Unreadable, Assert.Throws<ArtifactException>(() => ArtifactReader.Open(path)).Fault);
        try
        {
            byte[] bytes = SavedModels.ExportedProgram();
            File.WriteAllBytes(path, bytes);
            ArtifactSpec fromFile = ArtifactReader.Open(path);
            ArtifactSpec fromBytes = ArtifactReader.Open(bytes, Path.GetFileName(path));
            Assert.Equal(ArtifactDescription.Of(fromBytes), ArtifactDescription.Of(fromFile));
            Assert.Equal(Path.GetFileName(path), fromFile.Source);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void The_description_is_plain_and_ordered()
    {
        IReadOnlyList<KeyValuePair<string, string>> lines = ArtifactDescription.Of(
            ArtifactReader.Open(SavedModels.ExportedProgram(), "net.pt2")
        );
        Assert.Equal(["source", "format", "bytes", "engines", "engine[0].key", "engine[0].name"], lines.Take(6).Select(line => line.Key));
        Dictionary<string, string> last = lines.GroupBy(line => line.Key).ToDictionary(group => group.Key, group => group.Last().Value);
        Assert.Equal("exported program (PT2 archive)", last["format"]);
        Assert.Equal("64 bytes, TensorRT", last["engine[0].plan"]);
        Assert.Equal("NVIDIA RTX A6000 (GPU 0, compute capability 8.6)", last["engine[0].device"]);
        Assert.Equal("x FP32 [s0,3]", last["graph.input"]);
        Assert.Equal("execute_engine_1: _run_on_acc_1_engine(getitem_1, b_cache, getitem) -> getitem_2", last["graph.call"]);
        Assert.Equal("getitem_2 FP16 [s0,8]", last["graph.output"]);
        Assert.Equal("cache <- getitem", last["graph.mutation"]);
    }

    public static TheoryData<string, ArtifactFault, string> BadPrograms =>
        new()
        {
            { "no constant", ArtifactFault.Missing, "the archive has no entry 'data/constants/opaque_obj_0'" },
            { "no table", ArtifactFault.Missing, "the engine '_run_on_acc_0_engine' is not among the archive's constants" },
            { "traversal", ArtifactFault.UnsafeName, "the path '../../../etc/passwd' leaves its folder" },
            { "bomb", ArtifactFault.ForbiddenPickle, "the global 'os.system'" },
            { "abi", ArtifactFault.WrongAbi, "ABI '11'" },
            { "platform", ArtifactFault.WrongPlatform, "the platform 'plan9'" },
            { "metadata only", ArtifactFault.Missing, "holds no engine, only metadata" },
            { "no model", ArtifactFault.Missing, "no models/model.json" },
            { "two models", ArtifactFault.Corrupt, "holds 2 models" },
            { "version", ArtifactFault.UnknownFormat, "says '1' where '0' is read" },
            { "big endian", ArtifactFault.UnknownFormat, "says 'big'" },
            { "json", ArtifactFault.Corrupt, "the JSON is broken" },
            { "no weight", ArtifactFault.Missing, "the tensor 'cache' is not stored" },
            { "tensor", ArtifactFault.Corrupt, "is a tensor, not an engine" },
            { "names", ArtifactFault.Corrupt, "Wrong number of inputs, expected 2 got 1" },
            { "long record", ArtifactFault.WrongAbi, "has 14 fields" },
            { "nested", ArtifactFault.Truncated, "no end record" },
        };

    [Theory, MemberData(nameof(BadPrograms))]
    public void A_bad_program_gets_its_own_error_and_the_next_good_one_is_read(string kind, ArtifactFault fault, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() =>
            ArtifactReader.Open(SavedModels.ExportedProgram(entries => Spoil(entries, kind)), "net.pt2")
        );
        Assert.Equal(fault, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("net.pt2", refusal.Message, StringComparison.Ordinal);
        Assert.EndsWith(".", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, ArtifactReader.Open(SavedModels.ExportedProgram(), "next.pt2").Engines.Count);
    }

    [Theory]
    [InlineData("missing", "x", "used before anything defines it")]
    [InlineData("x", "x", "is defined twice")]
    [InlineData("x", "", "a value has no name")]
    public void Values_are_assigned_once_and_before_they_are_used(string input, string output, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() =>
            ArtifactReader.Open(WithGraph([SavedModels.Execute("call", "custom_obj_0", [input], [output])]), "net.pt2")
        );
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "has 0 bytes")]
    [InlineData("GGUF....", "begins 'GGUF', which no known format does")]
    [InlineData("PK\u0003\u0004", "no end record")]
    public void Other_bytes_are_refused(string bytes, string text) =>
        Assert.Contains(
            text,
            Assert.Throws<ArtifactException>(() => ArtifactReader.Open(Encoding.UTF8.GetBytes(bytes), "file")).Message,
            StringComparison.Ordinal
        );

    [Fact]
    public void Archives_of_other_kinds_are_told_apart()
    {
        Assert.Contains("a checkpoint of torch.save", Refusal(new ZipWriter().Add("r/data.pkl", "x").End()), StringComparison.Ordinal);
        Assert.Contains("before 2.8", Refusal(SavedModels.ExportedBefore28()), StringComparison.Ordinal);
        Assert.Contains(
            "neither an exported program nor",
            Refusal(new ZipWriter().Add("r/word/document.xml", "x").End()),
            StringComparison.Ordinal
        );
        static string Refusal(byte[] file) => Assert.Throws<ArtifactException>(() => ArtifactReader.Open(file, "file.zip")).Message;
    }

    private static byte[] WithGraph(object[] nodes, object[]? outputs = null) =>
        SavedModels.ExportedProgram(entries =>
            entries["models/model.json"] = SavedModels.Json(SavedModels.TwoEngines(nodes, outputSpecs: outputs))
        );

    private static void Spoil(Dictionary<string, byte[]> entries, string kind)
    {
        const string Opaque = "data/constants/opaque_obj_0";
        const string Table = "data/constants/model_constants_config.json";
        string[] fields = RecordStrings.Fields(inputs: "x", outputs: "a%b");
        switch (kind)
        {
            case "no constant":
                entries.Remove(Opaque);
                break;
            case "no table":
                entries.Remove(Table);
                break;
            case "traversal":
                Replace("opaque_obj_0", "../../../etc/passwd");
                break;
            case "bomb":
                entries[Opaque] = PickleWriter.Protocol(2).Global("os", "system").Text("true").Raw(0x85, 'R').End();
                break;
            case "abi":
                fields[0] = "11";
                goto default;
            case "platform":
                fields[8] = "plan9";
                goto default;
            case "metadata only":
                fields[3] = "";
                goto default;
            case "names":
                fields[4] = "x%z";
                goto default;
            case "long record":
                fields = [.. fields, ""];
                goto default;
            case "no model":
                entries.Remove("models/model.json");
                break;
            case "two models":
                entries["models/other.json"] = "{}"u8.ToArray();
                break;
            case "version":
                entries["archive_version"] = "1"u8.ToArray();
                break;
            case "big endian":
                entries["byteorder"] = "big"u8.ToArray();
                break;
            case "json":
                entries["models/model.json"] = "{\"graph_module\":"u8.ToArray();
                break;
            case "no weight":
                entries.Remove("data/weights/model_weights_config.json");
                break;
            case "tensor":
                Replace("\"use_pickle\":true", "\"use_pickle\":false");
                break;
            case "nested":
                entries["data/constants/custom_obj_0"] = entries["data/constants/custom_obj_0"][..^30];
                break;
            default:
                entries[Opaque] = PickleWriter.EngineConstant(fields);
                break;
        }

        void Replace(string from, string to) =>
            entries[Table] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(entries[Table]).Replace(from, to, StringComparison.Ordinal));
    }
}
