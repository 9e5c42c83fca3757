using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;

namespace Troupe.Runtime.Artifacts.TorchScript;

/// <summary>Walks the objects of a module and collects its engines under the names of the attributes they hang on. Each value is visited
/// once, whatever refers to it.</summary>
internal sealed class ScriptObjectWalk(string source)
{
    private readonly HashSet<PickleValue> _seen = [];
    private readonly Dictionary<string, int> _keys = new(StringComparer.Ordinal);

    public List<ArtifactEngine> Engines { get; } = [];

    public void Collect(PickleValue root, string name, string where)
    {
        // Enumerators, not lists of children: what is open at a time is bounded by the nesting, however often values are shared.
        var open = new Stack<(IEnumerator<(PickleValue Value, string Name)> Children, string Path)>();
        Visit(root, name);
        while (open.TryPeek(out (IEnumerator<(PickleValue Value, string Name)> Children, string Path) level))
        {
            if (!level.Children.MoveNext())
            {
                _ = open.Pop();
                continue;
            }

            (PickleValue value, string child) = level.Children.Current;
            if (value is not (PickleValue.Text or PickleValue.Scalar or PickleValue.Global) && !_seen.Contains(value))
            {
                Visit(
                    value,
                    child.Length == 0 ? level.Path
                        : level.Path.Length == 0 ? child
                        : $"{level.Path}.{child}"
                );
            }
        }

        void Visit(PickleValue value, string path)
        {
            _seen.Add(value);
            if (value is PickleValue.Made made && PicklePolicy.IsEngine(made.By.Module, made.By.Name))
            {
                Add(made, path, where);
            }
            else
            {
                open.Push((Children(value).GetEnumerator(), path));
            }
        }
    }

    private void Add(PickleValue.Made engine, string path, string where)
    {
        string key = path.Length > 0 ? path : "engine";
        if (!_keys.TryAdd(key, Engines.Count))
        {
            throw ArtifactException.Corrupt(where, $"two engines hang on the attribute '{key}'");
        }

        EngineRecord record = EngineState.Record(engine, $"{where}, engine '{key}'");
        Engines.Add(
            !record.Plan.IsEmpty
                ? new ArtifactEngine(key, record)
                : throw ArtifactException.Missing($"{source}, engine '{key}'", "the record holds no engine, only metadata")
        );
    }

    private static IEnumerable<(PickleValue Value, string Name)> Children(PickleValue value) =>
        value switch
        {
            PickleValue.Sequence sequence => sequence.Items.Select((item, i) => (item, $"{i}")),
            PickleValue.Dictionary dictionary => dictionary.Items.Select(item =>
                (item.Value, item.Key is PickleValue.Text text ? Shown.Of(text.Utf8.Span) : "?")
            ),
            PickleValue.Made { State: { } state } => [(state, "")],
            _ => [],
        };
}
