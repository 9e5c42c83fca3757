using System.Text;
using System.Text.Json;

namespace Troupe.TestSupport.Artifacts;

/// <summary>Whole files as torch_tensorrt saves them, of engines that hold no real plan.</summary>
public static class SavedModels
{
    public const string EngineOne = "_run_on_acc_0_engine";
    public const string EngineTwo = "_run_on_acc_1_engine";

    /// <summary>x -> engine 0 (two outputs) -> engine 1 -> y; the first engine is an opaque constant, the second a script object in a
    /// nested archive.</summary>
    public static byte[] ExportedProgram(Action<Dictionary<string, byte[]>>? change = null, bool deflate = false)
    {
        Dictionary<string, byte[]> entries = ExportedEntries();
        change?.Invoke(entries);
        return Zip("model", entries, deflate);
    }

    public static Dictionary<string, byte[]> ExportedEntries() =>
        new()
        {
            ["archive_format"] = "pt2"u8.ToArray(),
            ["archive_version"] = "0"u8.ToArray(),
            ["byteorder"] = "little"u8.ToArray(),
            [".data/serialization_id"] = "17"u8.ToArray(),
            ["models/model.json"] = Json(TwoEngines()),
            ["data/constants/model_constants_config.json"] = Json(
                new
                {
                    config = new Dictionary<string, object>
                    {
                        [EngineOne] = new
                        {
                            path_name = "opaque_obj_0",
                            is_param = false,
                            use_pickle = true,
                            tensor_meta = (object?)null,
                        },
                        [EngineTwo] = new
                        {
                            path_name = "custom_obj_0",
                            is_param = false,
                            use_pickle = true,
                            tensor_meta = (object?)null,
                        },
                    },
                }
            ),
            ["data/weights/model_weights_config.json"] = Json(
                new
                {
                    config = new
                    {
                        cache = new
                        {
                            path_name = "weight_0",
                            is_param = false,
                            use_pickle = false,
                        },
                    },
                }
            ),
            ["data/weights/weight_0"] = new byte[16],
            ["data/constants/opaque_obj_0"] = PickleWriter.EngineConstant(
                RecordStrings.Fields(inputs: "x", outputs: "a%b", unowned: false)
            ),
            ["data/constants/custom_obj_0"] = ScriptObject(
                RecordStrings.Fields(
                    abi: 9,
                    name: EngineTwo,
                    inputs: "b%cache%a",
                    outputs: "y",
                    unowned: true,
                    plan: RecordStrings.Plan(80, 2)
                )
            ),
        };

    /// <summary>A script object as <c>torch._C._pickle_save</c> stores it.</summary>
    public static byte[] ScriptObject(IReadOnlyList<string> fields) =>
        new ZipWriter().Add("archive/data.pkl", PickleWriter.Protocol(2).ScriptEngine(fields).End()).Add("archive/version", "3\n").End();

    /// <summary>The graph of <see cref="ExportedProgram"/>: nodes may be replaced.</summary>
    public static object TwoEngines(object[]? nodes = null, object[]? inputSpecs = null, object[]? outputSpecs = null) =>
        new
        {
            graph_module = new
            {
                graph = new
                {
                    inputs = new[] { Tensor("x") },
                    outputs = new[] { Tensor("y") },
                    nodes = nodes
                        ??
                        [
                            Execute("execute_engine", "custom_obj_0", ["x"], ["getitem", "getitem_1"]),
                            Execute("execute_engine_1", "custom_obj_1", ["getitem_1", "b_cache", "getitem"], ["getitem_2"]),
                        ],
                    tensor_values = new Dictionary<string, object>
                    {
                        ["x"] = Meta(7, "s0", 3),
                        ["b_cache"] = Meta(7, 4),
                        ["getitem_2"] = Meta(6, "s0", 8),
                    },
                    sym_int_values = new { },
                    sym_bool_values = new { },
                    is_single_tensor_return = false,
                    custom_obj_values = new { },
                },
                signature = new
                {
                    input_specs = inputSpecs
                        ??
                        [
                            new
                            {
                                buffer = new
                                {
                                    arg = new { name = "b_cache" },
                                    buffer_name = "cache",
                                    persistent = true,
                                },
                            },
                            new { custom_obj = new { arg = new { name = "custom_obj_0", class_fqn = "" }, custom_obj_name = EngineOne } },
                            new { custom_obj = new { arg = new { name = "custom_obj_1", class_fqn = "" }, custom_obj_name = EngineTwo } },
                            new { user_input = new { arg = Tensor("x") } },
                        ],
                    output_specs = outputSpecs
                        ??
                        [
                            new { buffer_mutation = new { arg = new { name = "getitem" }, buffer_name = "cache" } },
                            new { user_output = new { arg = Tensor("getitem_2") } },
                        ],
                },
                module_call_graph = Array.Empty<object>(),
            },
            opset_version = new { aten = 10 },
            range_constraints = new Dictionary<string, object> { ["s0"] = new { min_val = 1, max_val = 16 } },
            schema_version = new { major = 8, minor = 17 },
            torch_version = "2.12.0",
        };

    public static object Tensor(string name) => new { as_tensor = new { name } };

    public static object Execute(string node, string engine, string[] inputs, string[] outputs) =>
        new
        {
            target = "torch.ops.tensorrt.execute_engine.default",
            inputs = new object[]
            {
                new
                {
                    name = "input_tensors",
                    arg = new { as_tensors = inputs.Select(name => new { name }).ToArray() },
                    kind = 1,
                },
                new
                {
                    name = "engine",
                    arg = new { as_custom_obj = new { name = engine, class_fqn = "__torch__.torch.classes.tensorrt.Engine" } },
                    kind = 1,
                },
            },
            outputs = new object[] { new { as_tensors = outputs.Select(name => new { name }).ToArray() } },
            metadata = new { },
            name = node,
        };

    /// <summary>As cross-compilation for Windows writes it: the record inside the node.</summary>
    public static object Placeholder(string node, string[] fields, string[] inputs, string output) =>
        new
        {
            target = "torch.ops.tensorrt.no_op_placeholder_for_execute_engine.default",
            inputs = fields
                .Select((field, i) => (object)new { name = $"field_{i}", arg = new { as_string = field } })
                .Prepend(new { name = "inputs", arg = new { as_tensors = inputs.Select(name => new { name }).ToArray() } })
                .ToArray(),
            outputs = new[] { Tensor(output) },
            metadata = new { },
            name = node,
        };

    public static object GetItem(string list, int index, string value) =>
        new
        {
            target = "_operator.getitem",
            inputs = new object[] { new { name = "a", arg = Tensor(list) }, new { name = "b", arg = new { as_int = index } } },
            outputs = new[] { Tensor(value) },
            metadata = new { },
            name = value,
        };

    public static object Operator(string node, string target, string input, string output) =>
        new
        {
            target,
            inputs = new object[] { new { name = "self", arg = Tensor(input) } },
            outputs = new[] { Tensor(output) },
            metadata = new { },
            name = node,
        };

    /// <summary>A traced module of one engine.</summary>
    public static byte[] TorchScript(
        string operation = "ops.tensorrt.execute_engine([x], engine)",
        IReadOnlyList<string>? fields = null,
        Action<Dictionary<string, byte[]>>? change = null
    )
    {
        PickleWriter pickle = PickleWriter
            .Protocol(2)
            .Global("__torch__", "Model")
            .Put()
            .Raw(')', 0x81)
            .Raw('}', '(')
            .Text("training")
            .Put()
            .Raw(0x89)
            .Text("_run_on_acc_0")
            .Put()
            .Global("__torch__.torch_tensorrt", "TorchTensorRTModule")
            .Put()
            .Raw(')', 0x81, '}', '(')
            .Text("engine")
            .Put()
            .ScriptEngine(fields ?? RecordStrings.Fields(name: "a.b", unowned: true))
            .Raw('u', 'b')
            .Text("weight")
            .Put()
            .Global("torch._utils", "_rebuild_tensor_v2")
            .Raw('(')
            .Raw('(')
            .Text("storage")
            .Global("torch", "FloatStorage")
            .Text("0")
            .Text("cpu")
            .Raw('K', 4, 't', 'Q')
            .Raw('K', 0)
            .Raw('K', 4, 0x85)
            .Raw('K', 1, 0x85)
            .Raw(0x89)
            .Global("collections", "OrderedDict")
            .Raw(')', 'R', 't', 'R')
            .Raw('u', 'b');
        var entries = new Dictionary<string, byte[]>
        {
            ["data.pkl"] = pickle.End(),
            ["code/__torch__.py"] = Encoding.UTF8.GetBytes(
                $$"""
                class Model(Module):
                  _run_on_acc_0 : __torch__.torch_tensorrt.TorchTensorRTModule
                  def forward(self: __torch__.Model,
                    x: Tensor) -> Tensor:
                    return (self._run_on_acc_0).forward(x, )
                """
            ),
            ["code/__torch__/torch_tensorrt.py"] = Encoding.UTF8.GetBytes(
                $$"""
                class TorchTensorRTModule(Module):
                  engine : __torch__.torch.classes.tensorrt.Engine
                  def forward(self: __torch__.torch_tensorrt.TorchTensorRTModule,
                    x: Tensor) -> Tensor:
                    engine = self.engine
                    _0 = {{operation}}
                    _1, = _0
                    return _1
                """
            ),
            ["constants.pkl"] = PickleWriter.Protocol(2).Raw(')').End(),
            ["data/0"] = new byte[16],
            ["version"] = "3\n"u8.ToArray(),
        };
        change?.Invoke(entries);
        return Zip("model", entries, deflate: false);
    }

    /// <summary>What torch.export.save wrote up to PyTorch 2.7: entries without a folder, in this order.</summary>
    public static byte[] ExportedBefore28() =>
        new ZipWriter()
            .Add(
                "serialized_exported_program.json",
                """{"graph_module":{},"opset_version":{"aten":10},"schema_version":{"major":5,"minor":2}}"""
            )
            .Add("serialized_state_dict.pt", "")
            .Add("serialized_constants.pt", "")
            .Add("serialized_example_inputs.pt", "")
            .Add("version", "5.2")
            .End();

    public static byte[] Zip(string root, Dictionary<string, byte[]> entries, bool deflate)
    {
        var zip = new ZipWriter();
        foreach ((string name, byte[] content) in entries)
        {
            zip.Add($"{root}/{name}", content, deflate);
        }

        return zip.End();
    }

    public static byte[] Json(object value) => JsonSerializer.SerializeToUtf8Bytes(value);

    private static object Meta(int dtype, params object[] sizes) =>
        new
        {
            dtype,
            sizes = sizes
                .Select(size =>
                    size is string symbol
                        ? (object)new { as_expr = new { expr_str = symbol, hint = new { as_int = 2 } } }
                        : new { as_int = size }
                )
                .ToArray(),
            requires_grad = false,
            device = new { type = "cuda", index = 0 },
            strides = Array.Empty<object>(),
            storage_offset = new { as_int = 0 },
            layout = 7,
        };
}
