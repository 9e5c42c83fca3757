using System.Globalization;
using System.Text.Json;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>Reads the graph of an exported program (torch/_export/serde/schema.py) and connects its engine calls by value names. Nodes that
/// no engine runs are collected and refused together.</summary>
/// <remarks>It is long because the steps share the table of values: names defined by one are what the next may use.</remarks>
internal sealed class ExportedGraphReader
{
    private const string ExecuteEngine = "torch.ops.tensorrt.execute_engine";
    private const string Placeholder = "torch.ops.tensorrt.no_op_placeholder_for_execute_engine";
    private const string GetItem = "_operator.getitem";

    /// <summary>Bound of a getitem's index where the record does not tell how many outputs there are.</summary>
    private const int MostOutputs = 256;

    private readonly ArtifactJson _program;
    private readonly ArtifactJson _graph;
    private readonly EngineConstants _engines;
    private readonly StoredTensors _stored;
    private readonly List<ArtifactTensor> _inputs = [];
    private readonly Dictionary<string, (ArtifactStateKind Kind, string FullName)> _stateNames = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _engineNames = new(StringComparer.Ordinal);
    private readonly OrderedDictionary<string, ArtifactState> _state = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (int Call, List<string> Items)> _lists = new(StringComparer.Ordinal);
    private readonly HashSet<string> _values = new(StringComparer.Ordinal);
    private readonly List<(string Node, int Engine, List<string> Inputs, List<string> Outputs)> _calls = [];
    private readonly List<ArtifactGetItem> _getItems = [];
    private readonly List<string> _unsupported = [];
    private readonly ExportedTensors _tensors;

    public ExportedGraphReader(ArtifactJson program, EngineConstants engines, StoredTensors stored)
    {
        _program = program;
        _graph = program.At("graph_module").At("graph");
        _engines = engines;
        _stored = stored;
        _tensors = new ExportedTensors(_graph);
    }

    public ArtifactGraph Read(string source)
    {
        ArtifactJson signature = _program.At("graph_module").At("signature");
        foreach (ArtifactJson input in signature.Items("input_specs", required: true))
        {
            Input(input);
        }

        IReadOnlyList<ArtifactJson> nodes = _graph.At("nodes").Items();
        RefuseUnsupported(nodes, source);
        for (int i = 0; i < nodes.Count; i++)
        {
            Node(nodes[i], i);
        }

        var outputs = new List<ArtifactTensor>();
        var mutations = new List<ArtifactMutation>();
        foreach (ArtifactJson output in signature.Items("output_specs", required: true))
        {
            Output(output, outputs, mutations);
        }

        if (_unsupported.Count > 0)
        {
            throw UnsupportedNodes.Refusal(source, _unsupported);
        }

        return new ArtifactGraph
        {
            Inputs = _inputs,
            Outputs = outputs,
            State = [.. _state.Values],
            Calls = [.. _calls.Select(Checked)],
            GetItems = _getItems,
            Mutations = mutations,
            Ranges = ExportedTensors.Ranges(_program),
        };
    }

    private void Input(ArtifactJson spec)
    {
        (string kind, ArtifactJson value) = spec.Union();
        switch (kind)
        {
            case "user_input":
                (string argument, ArtifactJson tensor) = value.At("arg").Union();
                if (argument != "as_tensor")
                {
                    _unsupported.Add($"input {_inputs.Count}: not a tensor ({Shown.Of(argument)})");
                    return;
                }

                string name = tensor.Text("name");
                Define(name, value.Where);
                _inputs.Add(_tensors.Find(name));
                break;
            case "custom_obj":
                _ = _engineNames.TryAdd(value.At("arg").Text("name"), value.Text("custom_obj_name"));
                break;
            case "parameter":
                StateInput(value, ArtifactStateKind.Parameter, "parameter_name");
                break;
            case "buffer":
                StateInput(value, ArtifactStateKind.Buffer, "buffer_name");
                break;
            case "tensor_constant":
                StateInput(value, ArtifactStateKind.Constant, "tensor_constant_name");
                break;
            default:
                _unsupported.Add($"input {_inputs.Count}: {Shown.Of(kind)}");
                break;
        }
    }

    private void StateInput(ArtifactJson spec, ArtifactStateKind kind, string key)
    {
        string name = spec.At("arg").Text("name");
        Define(name, spec.Where);
        _stateNames.Add(name, (kind, spec.Text(key)));
    }

    /// <summary>All at once and before any engine is read, so that the list is whole and the refusal cheap.</summary>
    private void RefuseUnsupported(IReadOnlyList<ArtifactJson> nodes, string source)
    {
        for (int i = 0; i < nodes.Count; i++)
        {
            string target = nodes[i].Text("target");
            if (Operator(target) is not (ExecuteEngine or Placeholder or GetItem))
            {
                _unsupported.Add($"{NodeName(nodes[i], i)}: {Shown.Of(target)}");
            }
        }

        if (_unsupported.Count > 0)
        {
            throw UnsupportedNodes.Refusal(source, _unsupported);
        }
    }

    private void Node(ArtifactJson node, int index)
    {
        string name = NodeName(node, index);
        IReadOnlyList<ArtifactJson> arguments = node.At("inputs").Items();
        switch (Operator(node.Text("target")))
        {
            case ExecuteEngine:
                Expect(arguments.Count == 2, node, $"execute_engine has {arguments.Count} arguments, not 2");
                (string kind, ArtifactJson engine) = arguments[1].At("arg").Union();
                Expect(kind == "as_custom_obj", arguments[1], "the engine is not an object of the archive");
                string reference = engine.Text("name");
                Call(node, name, _engines.Find(_engineNames.GetValueOrDefault(reference, reference), engine.Where), arguments[0]);
                break;
            case Placeholder:
                Expect(arguments.Count > 1, node, "the placeholder carries no engine record");
                Call(node, name, _engines.Add(name, InlineRecord(node, arguments), carriedByNode: true), arguments[0]);
                break;
            default:
                Item(node, arguments);
                break;
        }
    }

    private static EngineRecord InlineRecord(ArtifactJson node, IReadOnlyList<ArtifactJson> arguments)
    {
        var fields = new List<ReadOnlyMemory<byte>>(arguments.Count - 1);
        foreach (ArtifactJson argument in arguments.Skip(1))
        {
            (string kind, ArtifactJson text) = argument.At("arg").Union();
            Expect(kind == "as_string", argument, "a field of the engine record is not a text");
            fields.Add(text.Utf8());
        }

        return EngineRecord.Parse(fields, node.Where);
    }

    private void Call(ArtifactJson node, string name, int engine, ArtifactJson inputs)
    {
        (string kind, ArtifactJson list) = inputs.At("arg").Union();
        Expect(kind == "as_tensors", inputs, $"the engine's inputs are {Shown.Of(kind)}, not a list of tensors");
        List<string> read = [.. list.Items().Select(item => Use(item.Text("name"), item.Where))];
        int call = _calls.Count;
        IReadOnlyList<ArtifactJson> outputs = node.At("outputs").Items();
        List<string> written = [];
        if (outputs is [var only])
        {
            (string form, ArtifactJson value) = only.Union();
            Expect(form is "as_tensors" or "as_tensor", only, $"the engine's outputs are {Shown.Of(form)}, not tensors");
            if (form == "as_tensor")
            {
                // The list itself has the name; getitem nodes take it apart.
                Define(value.Text("name"), value.Where, isList: true);
                _lists.Add(value.Text("name"), (call, written));
            }
            else
            {
                written.AddRange(value.Items().Select(item => Define(item.Text("name"), item.Where)));
            }
        }
        else
        {
            Expect(outputs.Count == 0, node, $"the engine call has {outputs.Count} outputs, not one list");
        }

        _calls.Add((name, engine, read, written));
    }

    private void Item(ArtifactJson node, IReadOnlyList<ArtifactJson> arguments)
    {
        Expect(arguments.Count == 2, node, $"getitem has {arguments.Count} arguments, not 2");
        (string kind, ArtifactJson source) = arguments[0].At("arg").Union();
        (string indexKind, ArtifactJson position) = arguments[1].At("arg").Union();
        Expect(kind == "as_tensor" && indexKind == "as_int", node, "getitem does not take one value of an engine call by its index");
        string list = source.Text("name");
        if (!_lists.TryGetValue(list, out (int Call, List<string> Items) from))
        {
            throw ArtifactException.Corrupt(source.Where, $"'{Shown.Of(list)}' is not the list of an engine call before it");
        }

        int named = _engines.Read[_calls[from.Call].Engine].Record.OutputNames.Count;
        int index =
            position.Number() is >= 0 and var number && number < (named > 0 ? named : MostOutputs)
                ? (int)number
                : throw position.Wrong($"the index of one of the engine's {(named > 0 ? named : MostOutputs)} outputs");
        IReadOnlyList<ArtifactJson> outputs = node.At("outputs").Items();
        Expect(outputs.Count == 1, node, $"getitem has {outputs.Count} outputs, not 1");
        (string form, ArtifactJson value) = outputs[0].Union();
        Expect(form == "as_tensor", outputs[0], "getitem does not give a tensor");
        string name = Define(value.Text("name"), value.Where);
        while (from.Items.Count <= index)
        {
            from.Items.Add("");
        }

        Expect(from.Items[index].Length == 0, node, $"output {index} of '{Shown.Of(list)}' is taken twice");
        from.Items[index] = name;
        _getItems.Add(new ArtifactGetItem(_calls[from.Call].Node, index, name));
    }

    private void Output(ArtifactJson spec, List<ArtifactTensor> outputs, List<ArtifactMutation> mutations)
    {
        (string kind, ArtifactJson value) = spec.Union();
        (string argument, ArtifactJson tensor) =
            kind is "buffer_mutation" or "user_input_mutation" ? ("as_tensor", value.At("arg"))
            : kind == "user_output" ? value.At("arg").Union()
            : (kind, value);
        if (argument != "as_tensor")
        {
            _unsupported.Add($"output {outputs.Count}: not a tensor ({Shown.Of(argument)})");
            return;
        }

        string name = Use(tensor.Text("name"), tensor.Where);
        switch (kind)
        {
            case "buffer_mutation":
                mutations.Add(new ArtifactMutation(name, value.Text("buffer_name"), IsInput: false));
                break;
            case "user_input_mutation":
                mutations.Add(new ArtifactMutation(name, value.Text("user_input_name"), IsInput: true));
                break;
            default:
                outputs.Add(_tensors.Find(name));
                break;
        }
    }

    /// <summary>A call's values must be as many as its engine's names, where the record gives names.</summary>
    private ArtifactCall Checked((string Node, int Engine, List<string> Inputs, List<string> Outputs) call)
    {
        EngineRecord record = _engines.Read[call.Engine].Record;
        if (record.InputNames.Count + record.OutputNames.Count > 0)
        {
            Expect(
                call.Inputs.Count == record.InputNames.Count,
                _graph,
                $"node '{call.Node}': Wrong number of inputs, expected {record.InputNames.Count} got {call.Inputs.Count}"
            );
            Expect(
                call.Outputs.Count <= record.OutputNames.Count,
                _graph,
                $"node '{call.Node}' takes {call.Outputs.Count} outputs of an engine that has {record.OutputNames.Count}"
            );
        }

        return new ArtifactCall(call.Node, call.Engine, call.Inputs, call.Outputs);
    }

    private string Define(string name, string where, bool isList = false)
    {
        if (name.Length == 0 || _lists.ContainsKey(name) || !(isList ? !_values.Contains(name) : _values.Add(name)))
        {
            throw ArtifactException.Corrupt(
                where,
                name.Length == 0 ? "a value has no name" : $"the value '{Shown.Of(name)}' is defined twice"
            );
        }

        return name;
    }

    private string Use(string name, string where)
    {
        if (!_values.Contains(name))
        {
            throw ArtifactException.Corrupt(where, $"the value '{Shown.Of(name)}' is used before anything defines it");
        }

        if (_stateNames.TryGetValue(name, out (ArtifactStateKind Kind, string FullName) state) && !_state.ContainsKey(name))
        {
            _state.Add(name, _stored.Read(_tensors.Find(name), state.Kind, state.FullName, where));
        }

        return name;
    }

    private static string Operator(string target) =>
        target.EndsWith(".default", StringComparison.Ordinal) ? target[..^".default".Length] : target;

    private static string NodeName(ArtifactJson node, int index) =>
        node.Find("name") is { Element.ValueKind: JsonValueKind.String } name
            ? Shown.Of(name.Text())
            : $"node_{index.ToString(CultureInfo.InvariantCulture)}";

    private static void Expect(bool holds, ArtifactJson at, string otherwise)
    {
        if (!holds)
        {
            throw ArtifactException.Corrupt(at.Where, otherwise);
        }
    }
}
