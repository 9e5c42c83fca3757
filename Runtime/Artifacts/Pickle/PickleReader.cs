using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Pickle;

/// <summary>Runs a pickle as far as it describes data, and refuses it where it would do anything else. No text is copied, nothing is
/// recursive.</summary>
/// <remarks>It is long because a pickle is one machine: every operation works on the same stack, marks and memo. Bounded: every
/// operation eats at least one byte, their number, the nesting and the open marks are limited, and lengths are
/// checked against the bytes left before anything is made.</remarks>
internal ref struct PickleReader
{
    private static readonly PickleValue NoneValue = new PickleValue.Scalar("None");
    private static readonly PickleValue NumberValue = new PickleValue.Scalar("a number");
    private static readonly PickleValue FlagValue = new PickleValue.Scalar("a truth value");
    private static readonly PickleValue ReferenceValue = new PickleValue.Scalar("a reference to stored data");

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly PicklePolicy _policy;
    private readonly ArtifactLimits _limits;
    private readonly string _where;
    private readonly List<PickleValue> _stack = [];
    private readonly Stack<int> _marks = new();
    private readonly Dictionary<uint, PickleValue> _memo = [];
    private int _at;
    private int _opcodeAt;

    private PickleReader(ReadOnlyMemory<byte> bytes, PicklePolicy policy, ArtifactLimits limits, string where)
    {
        _bytes = bytes;
        _policy = policy;
        _limits = limits;
        _where = where;
    }

    /// <summary>The one value that the pickle describes.</summary>
    /// <exception cref="ArtifactException">It is broken, too large, or not only data.</exception>
    public static PickleValue Read(ReadOnlyMemory<byte> bytes, PicklePolicy policy, ArtifactLimits limits, string where) =>
        new PickleReader(bytes, policy, limits, where).Run();

    private PickleValue Run()
    {
        for (int operations = 0; ; operations++)
        {
            if (operations == _limits.PickleOperations)
            {
                throw ArtifactException.TooLarge(_where, $"the pickle has more than {_limits.PickleOperations} operations");
            }

            _opcodeAt = _at;
            var opcode = (PickleOpcode)ReadBytes(1).Span[0];
            if (opcode == PickleOpcode.Stop)
            {
                return _stack.Count == 1 && _marks.Count == 0 && _at == _bytes.Length
                    ? _stack[0]
                    : throw Broken(
                        _at < _bytes.Length ? $"{_bytes.Length - _at} bytes follow its end" : "it does not end with exactly one value"
                    );
            }

            Step(opcode);
        }
    }

    private void Step(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                Protocol(ReadBytes(1).Span[0]);
                break;
            case PickleOpcode.Frame:
                Frame();
                break;
            case PickleOpcode.Mark:
                OpenMark();
                break;
            case PickleOpcode.None:
                Push(NoneValue);
                break;
            case PickleOpcode.NewTrue or PickleOpcode.NewFalse:
                Push(FlagValue);
                break;
            case PickleOpcode.BinInt1:
                Number(1);
                break;
            case PickleOpcode.BinInt2:
                Number(2);
                break;
            case PickleOpcode.BinInt:
                Number(4);
                break;
            case PickleOpcode.BinFloat:
                Number(8);
                break;
            case PickleOpcode.Long1:
                Number(ReadBytes(1).Span[0]);
                break;
            case PickleOpcode.ShortBinUnicode:
                Push(new PickleValue.Text(ReadBytes(ReadBytes(1).Span[0])));
                break;
            case PickleOpcode.BinUnicode:
                Push(new PickleValue.Text(ReadBytes(Word())));
                break;
            case PickleOpcode.BinUnicode8:
                Push(new PickleValue.Text(ReadBytes(BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8).Span))));
                break;
            case PickleOpcode.EmptyTuple:
                Push(new PickleValue.Sequence(isTuple: true));
                break;
            case PickleOpcode.Tuple1:
                PushTuple(Top(1));
                break;
            case PickleOpcode.Tuple2:
                PushTuple(Top(2));
                break;
            case PickleOpcode.Tuple3:
                PushTuple(Top(3));
                break;
            case PickleOpcode.Tuple:
                PushTuple(CloseMark());
                break;
            case PickleOpcode.EmptyList:
                Push(new PickleValue.Sequence(isTuple: false));
                break;
            case PickleOpcode.Append:
                Append(Top(1));
                break;
            case PickleOpcode.Appends:
                Append(CloseMark());
                break;
            case PickleOpcode.EmptyDict:
                Push(new PickleValue.Dictionary());
                break;
            case PickleOpcode.SetItem:
                SetItems(Top(2));
                break;
            case PickleOpcode.SetItems:
                SetItems(CloseMark());
                break;
            case PickleOpcode.BinPut:
                Remember(ReadBytes(1).Span[0]);
                break;
            case PickleOpcode.LongBinPut:
                Remember(Word());
                break;
            case PickleOpcode.Memoize:
                Remember((uint)_memo.Count);
                break;
            case PickleOpcode.BinGet:
                Recall(ReadBytes(1).Span[0]);
                break;
            case PickleOpcode.LongBinGet:
                Recall(Word());
                break;
            case PickleOpcode.Global:
                Global(Line(), Line());
                break;
            case PickleOpcode.StackGlobal:
                StackGlobal();
                break;
            case PickleOpcode.Reduce or PickleOpcode.NewObj:
                Make();
                break;
            case PickleOpcode.Build:
                Build();
                break;
            case PickleOpcode.BinPersId when _policy.AllowsReferences:
                _ = Pop();
                Push(ReferenceValue);
                break;
            default:
                throw Forbidden($"opcode {(Enum.IsDefined(opcode) ? opcode.ToString() : "unknown")} (0x{(byte)opcode:X2})");
        }
    }

    private readonly void Protocol(byte version)
    {
        if (version is < 2 or > 5)
        {
            throw Broken($"it is of protocol {version}; 2 to 5 are read");
        }
    }

    private void Frame()
    {
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(ReadBytes(8).Span);
        if (length > (ulong)(_bytes.Length - _at))
        {
            throw Short(length);
        }
    }

    private void Number(int bytes)
    {
        _ = ReadBytes((uint)bytes);
        Push(NumberValue);
    }

    private readonly void OpenMark()
    {
        if (_marks.Count == _limits.PickleMarks)
        {
            throw ArtifactException.TooLarge(_where, $"the pickle nests more than {_limits.PickleMarks} marks");
        }

        _marks.Push(_stack.Count);
    }

    /// <summary>First index of the values since the last mark.</summary>
    private readonly int CloseMark() => _marks.TryPop(out int mark) ? mark : throw Broken("a mark is missing");

    /// <summary>First index of the topmost values, none of which may lie below an open mark.</summary>
    private readonly int Top(int count)
    {
        int first = _stack.Count - count;
        return first >= (_marks.TryPeek(out int mark) ? mark : 0) ? first : throw Broken("a value is missing");
    }

    private readonly PickleValue Pop()
    {
        int last = Top(1);
        PickleValue value = _stack[last];
        _stack.RemoveAt(last);
        return value;
    }

    private readonly T Pop<T>(string expected)
        where T : PickleValue
    {
        PickleValue value = Pop();
        return value as T ?? throw Broken($"{value.Kind} stands where {expected} belongs");
    }

    private readonly void Push(PickleValue value)
    {
        CheckDepth(value);
        _stack.Add(value);
    }

    private readonly void CheckDepth(PickleValue value)
    {
        if (value.Depth > _limits.PickleDepth)
        {
            throw ArtifactException.TooLarge(_where, $"the pickle nests values deeper than {_limits.PickleDepth}");
        }
    }

    private readonly void PushTuple(int first)
    {
        var tuple = new PickleValue.Sequence(isTuple: true);
        for (int i = first; i < _stack.Count; i++)
        {
            tuple.Add(_stack[i]);
        }

        _stack.RemoveRange(first, _stack.Count - first);
        Push(tuple);
    }

    private readonly void Append(int first)
    {
        if (first == 0 || _stack[first - 1] is not PickleValue.Sequence { IsTuple: false } list)
        {
            throw Broken("an item is appended to what is no list");
        }

        for (int i = first; i < _stack.Count; i++)
        {
            list.Add(_stack[i]);
        }

        CheckDepth(list);
        _stack.RemoveRange(first, _stack.Count - first);
    }

    private readonly void SetItems(int first)
    {
        if (first == 0 || _stack[first - 1] is not PickleValue.Dictionary dictionary || (_stack.Count - first) % 2 != 0)
        {
            throw Broken("a key is set on what is no dictionary, or without a value");
        }

        for (int i = first; i < _stack.Count; i += 2)
        {
            dictionary.Add(_stack[i], _stack[i + 1]);
        }

        CheckDepth(dictionary);
        _stack.RemoveRange(first, _stack.Count - first);
    }

    private readonly void Remember(uint key) => _memo[key] = _stack[Top(1)];

    private readonly void Recall(uint key) =>
        Push(_memo.TryGetValue(key, out PickleValue? value) ? value : throw Broken($"memo {key} was never set"));

    private void Global(string module, string name) =>
        Push(
            _policy.Allows(module, name)
                ? new PickleValue.Global(module, name)
                : throw Forbidden($"the global '{Shown.Of(module)}.{Shown.Of(name)}'")
        );

    private void StackGlobal()
    {
        PickleValue.Text name = Pop<PickleValue.Text>("a global's name");
        Global(Pop<PickleValue.Text>("a global's module").ToString(), name.ToString());
    }

    private readonly void Make()
    {
        PickleValue.Sequence arguments = Pop<PickleValue.Sequence>("a tuple of arguments");
        PickleValue.Global by = Pop<PickleValue.Global>("a global");
        bool isTag = PicklePolicy.IsTypeTag(by.Module, by.Name);
        if (!arguments.IsTuple || (isTag && arguments.Items.Count != 2))
        {
            throw Broken($"{by.Kind} has wrong arguments");
        }

        Push(isTag ? arguments.Items[0] : new PickleValue.Made(by, arguments));
    }

    private readonly void Build()
    {
        PickleValue state = Pop();
        if (_stack[Top(1)] is not PickleValue.Made { State: null } made)
        {
            throw Broken("state is given to what is no new object");
        }

        made.Build(state);
        CheckDepth(made);
    }

    private uint Word() => BinaryPrimitives.ReadUInt32LittleEndian(ReadBytes(4).Span);

    private string Line()
    {
        const int Longest = 1024;
        ReadOnlySpan<byte> rest = _bytes.Span[_at..];
        int end = rest[..Math.Min(rest.Length, Longest)].IndexOf((byte)'\n');
        if (end < 0 || !Utf8.IsValid(rest[..end]))
        {
            throw Broken("a global's name does not end, or is not UTF-8");
        }

        _at += end + 1;
        return Encoding.UTF8.GetString(rest[..end]);
    }

    private ReadOnlyMemory<byte> ReadBytes(ulong count)
    {
        if (count > (ulong)(_bytes.Length - _at))
        {
            throw Short(count);
        }

        ReadOnlyMemory<byte> taken = _bytes.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    private readonly ArtifactException Short(ulong count) =>
        ArtifactException.Truncated(_where, $"the pickle announces {count} bytes at byte {_at} where {_bytes.Length - _at} are left");

    private readonly ArtifactException Broken(string what) =>
        ArtifactException.Corrupt(_where, $"the pickle is broken at byte {_opcodeAt}: {what}");

    private readonly ArtifactException Forbidden(string what) =>
        new(
            ArtifactFault.ForbiddenPickle,
            _where,
            $"the pickle uses {what} at byte {_opcodeAt}, which {_policy.What} never needs",
            "Do not trust the file; nothing of it was run."
        );
}
