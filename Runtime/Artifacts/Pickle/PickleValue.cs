using System.Text;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Pickle;

/// <summary>What a pickle describes, as inert data: nothing is imported, constructed or called.</summary>
/// <remarks>Values may be shared and may contain themselves; whoever walks them keeps count. Compared by reference.</remarks>
internal abstract class PickleValue
{
    /// <summary>Levels of nesting below this value, 0 for a leaf.</summary>
    public int Depth { get; protected set; }

    /// <summary>Kind for errors.</summary>
    public abstract string Kind { get; }

    /// <summary>UTF-8, a view of the pickle's bytes.</summary>
    public sealed class Text(ReadOnlyMemory<byte> utf8) : PickleValue
    {
        public ReadOnlyMemory<byte> Utf8 => utf8;

        public override string Kind => "a text";

        public override string ToString() =>
            System.Text.Unicode.Utf8.IsValid(utf8.Span) ? Encoding.UTF8.GetString(utf8.Span) : Shown.Of(utf8.Span);
    }

    /// <summary>A number, a truth value or None: never looked at, only carried.</summary>
    public sealed class Scalar(string kind) : PickleValue
    {
        public override string Kind => kind;
    }

    /// <summary>A tuple or a list.</summary>
    public sealed class Sequence(bool isTuple) : PickleValue
    {
        public List<PickleValue> Items { get; } = [];

        public bool IsTuple => isTuple;

        public override string Kind => isTuple ? "a tuple" : "a list";

        public void Add(PickleValue item)
        {
            Items.Add(item);
            Depth = Math.Max(Depth, item.Depth + 1);
        }
    }

    public sealed class Dictionary : PickleValue
    {
        public List<(PickleValue Key, PickleValue Value)> Items { get; } = [];

        public override string Kind => "a dictionary";

        public void Add(PickleValue key, PickleValue value)
        {
            Items.Add((key, value));
            Depth = Math.Max(Depth, Math.Max(key.Depth, value.Depth) + 1);
        }
    }

    /// <summary>A name of a Python class or function; only a name.</summary>
    public sealed class Global(string module, string name) : PickleValue
    {
        public string Module => module;

        public string Name => name;

        public override string Kind => $"the global {Shown.Of(module)}.{Shown.Of(name)}";
    }

    /// <summary>What Python would make by calling or constructing a global: the global, its arguments, and the state given after.</summary>
    public sealed class Made : PickleValue
    {
        public Made(Global by, Sequence arguments)
        {
            By = by;
            Arguments = arguments;
            Depth = arguments.Depth + 1;
        }

        public Global By { get; }

        public Sequence Arguments { get; }

        public PickleValue? State { get; private set; }

        public override string Kind => $"an object of {Shown.Of(By.Module)}.{Shown.Of(By.Name)}";

        public void Build(PickleValue state)
        {
            State = state;
            Depth = Math.Max(Depth, state.Depth + 1);
        }
    }
}
