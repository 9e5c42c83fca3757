using System.Buffers.Binary;
using System.Text;

namespace Troupe.TestSupport.Artifacts;

/// <summary>Writes pickles opcode by opcode, as Python's pickler and PyTorch's C++ pickler do; and those that neither would.</summary>
public sealed class PickleWriter
{
    private readonly MemoryStream _bytes = new();
    private readonly bool _memoizes;
    private uint _memo;

    private PickleWriter(bool memoizes) => _memoizes = memoizes;

    public static PickleWriter Protocol(byte version)
    {
        var writer = new PickleWriter(memoizes: version >= 4);
        return writer.Raw(0x80, version);
    }

    /// <summary>The constant of an exported program: <c>_reconstruct_trt_engine([…])</c>.</summary>
    public static byte[] EngineConstant(IReadOnlyList<string> fields, byte protocol = 2)
    {
        PickleWriter writer = Protocol(protocol);
        if (protocol < 4)
        {
            writer.Global("torch_tensorrt.dynamo.runtime._TRTEngine", "_reconstruct_trt_engine").Put();
        }
        else
        {
            writer.ShortText("torch_tensorrt.dynamo.runtime._TRTEngine").Put().ShortText("_reconstruct_trt_engine").Put().Raw(0x93).Put();
        }

        writer.Raw(']').Put().Raw('(');
        foreach (string field in fields)
        {
            writer.Text(field).Put();
        }

        return writer.Raw('e').Raw(0x85).Put().Raw('R').Put().End();
    }

    /// <summary>A script object of class Engine, with PyTorch's type tag around its list.</summary>
    public PickleWriter ScriptEngine(IReadOnlyList<string> fields)
    {
        Global("__torch__.torch.classes.tensorrt", "Engine").Put().Raw(')', 0x81).Put();
        Global("torch.jit._pickle", "restore_type_tag").Put().Raw(']').Put().Raw('(');
        foreach (string field in fields)
        {
            Text(field).Put();
        }

        return Raw('e').Text("List[str]").Raw(0x86, 'R', 'b');
    }

    public PickleWriter Global(string module, string name) => Raw('c').Utf8($"{module}\n{name}\n");

    public PickleWriter Text(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Raw('X').Word((uint)utf8.Length).Bytes(utf8);
    }

    public PickleWriter ShortText(string text)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        return Raw(0x8C, (byte)utf8.Length).Bytes(utf8);
    }

    /// <summary>Remembers the topmost value under the next number.</summary>
    public PickleWriter Put() =>
        _memoizes ? Raw(0x94)
        : _memo < 256 ? Raw('q', (byte)_memo++)
        : Raw('r').Word(_memo++);

    public PickleWriter Word(uint value)
    {
        byte[] word = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        return Bytes(word);
    }

    public PickleWriter Raw(params int[] bytes)
    {
        foreach (int value in bytes)
        {
            _bytes.WriteByte((byte)value);
        }

        return this;
    }

    public PickleWriter Bytes(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    public byte[] End() => Raw('.')._bytes.ToArray();

    public byte[] Unended() => _bytes.ToArray();

    private PickleWriter Utf8(string text) => Bytes(Encoding.UTF8.GetBytes(text));
}
