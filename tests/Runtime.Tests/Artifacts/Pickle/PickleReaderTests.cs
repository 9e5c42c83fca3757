using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Artifacts.TorchScript;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Pickle;

public sealed class PickleReaderTests
{
    [Theory]
    [InlineData(2), InlineData(4)]
    public void The_constant_of_an_exported_program_is_read(int protocol)
    {
        byte[] pickle = PickleWriter.EngineConstant(RecordStrings.Fields(), (byte)protocol);
        PickleValue value = PickleReader.Read(pickle, PicklePolicy.EngineConstant, ArtifactLimits.Default, "test");
        EngineRecord record = EngineState.Record(value, "test");
        Assert.Equal(RecordStrings.Plan(), record.Plan.ToArray());
    }

    [Fact]
    public void A_script_object_is_read_through_its_type_tag()
    {
        byte[] pickle = PickleWriter.Protocol(2).ScriptEngine(RecordStrings.Fields(abi: 7)).End();
        Assert.Equal(7, EngineState.Record(Script(pickle), "test").Abi);
    }

    [Fact]
    public void Each_kind_of_file_may_name_its_own_globals_only()
    {
        byte[] script = PickleWriter.Protocol(2).ScriptEngine(RecordStrings.Fields()).End();
        byte[] constant = PickleWriter.EngineConstant(RecordStrings.Fields());
        Refused(() => Constant(script), "the global '__torch__.torch.classes.tensorrt.Engine'");
        Refused(() => Script(constant), "the global 'torch_tensorrt.dynamo.runtime._TRTEngine._reconstruct_trt_engine'");
        Refused(
            () => Constant(PickleWriter.Protocol(2).Global("os", "system").Text("rm -rf /").Raw(0x85, 'R').End()),
            "the global 'os.system' at byte 2"
        );
        Refused(
            () => Constant(PickleWriter.Protocol(4).ShortText("builtins").ShortText("eval").Raw(0x93).End()),
            "the global 'builtins.eval'"
        );
    }

    [Theory]
    [
        InlineData('i', "Inst (0x69)"),
        InlineData('o', "Obj (0x6F)"),
        InlineData('P', "PersId"),
        InlineData('Q', "BinPersId"),
        InlineData(0x82, "Ext1"),
        InlineData('0', "Pop")
    ]
    [
        InlineData('2', "Dup"),
        InlineData('B', "BinBytes"),
        InlineData(0x92, "NewObjEx"),
        InlineData(0x8B, "Long4"),
        InlineData(0x97, "NextBuffer"),
        InlineData(0xFF, "unknown (0xFF)"),
        InlineData('S', "String")
    ]
    public void Every_other_opcode_is_refused_by_name(int opcode, string name) =>
        Refused(() => Constant(PickleWriter.Protocol(2).Raw(opcode).End()), $"opcode {name}");

    [Fact]
    public void Announced_lengths_beyond_the_bytes_take_no_memory()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(ArtifactFault.Truncated, Fault(() => Constant(PickleWriter.Protocol(2).Raw('X').Word(uint.MaxValue).End())));
        Assert.Equal(
            ArtifactFault.Truncated,
            Fault(() => Constant(PickleWriter.Protocol(4).Raw(0x8D, 255, 255, 255, 255, 255, 255, 255, 255).End()))
        );
        Assert.Equal(
            ArtifactFault.Truncated,
            Fault(() => Constant(PickleWriter.Protocol(4).Raw(0x95, 255, 255, 255, 255, 255, 255, 255, 255).End()))
        );
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Fact]
    public void A_bomb_of_shared_lists_stays_as_small_as_its_bytes()
    {
        PickleWriter bomb = PickleWriter.Protocol(2).Raw(']').Put();
        for (int level = 0; level < 60; level++)
        {
            bomb.Raw(']').Put().Raw('(');
            for (int i = 0; i < 10; i++)
            {
                bomb.Raw('h', level);
            }

            bomb.Raw('e');
        }

        for (int level = 0; level < 60; level++)
        {
            bomb.Raw('a');
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        byte[] bytes = bomb.End();
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => EngineState.Record(Constant(bytes), "test"));
        Assert.Contains("describes a list, not an engine", refusal.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 << 20);
    }

    [Fact]
    public void Nesting_marks_operations_and_memo_numbers_are_bounded()
    {
        Assert.Contains(
            "deeper than 200",
            Message([.. Proto(), .. Enumerable.Repeat((byte)')', 1), .. Enumerable.Repeat((byte)0x85, 500), (byte)'.']),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "more than 1000 marks",
            Message([.. Proto(), .. Enumerable.Repeat((byte)'(', 5000), (byte)'.']),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "more than 1000000 operations",
            Message([.. Proto(), .. Enumerable.Repeat((byte)'N', 3_000_000), (byte)'.']),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "memo 4294967295 was never set",
            Message(PickleWriter.Protocol(2).Raw('j').Word(uint.MaxValue).End()),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "exactly one value",
            Message(PickleWriter.Protocol(2).Raw('N', 'r').Word(uint.MaxValue).Raw('N').End()),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(new byte[] { (byte)'.' }, "exactly one value")]
    [InlineData(new byte[] { (byte)'a', (byte)'.' }, "a value is missing")]
    [InlineData(new byte[] { (byte)'e', (byte)'.' }, "a mark is missing")]
    [InlineData(new byte[] { (byte)'N', (byte)'N', (byte)'a', (byte)'.' }, "appended to what is no list")]
    [InlineData(new byte[] { (byte)')', (byte)'N', (byte)'a', (byte)'.' }, "appended to what is no list")]
    [InlineData(new byte[] { (byte)'}', (byte)'(', (byte)'N', (byte)'u', (byte)'.' }, "without a value")]
    [InlineData(new byte[] { (byte)'N', (byte)')', (byte)'R', (byte)'.' }, "None stands where a global belongs")]
    [InlineData(new byte[] { (byte)'N', (byte)'N', (byte)'b', (byte)'.' }, "no new object")]
    [InlineData(new byte[] { (byte)'N', (byte)'(', (byte)'q', 0, (byte)'.' }, "a value is missing")]
    [InlineData(new byte[] { (byte)'N', (byte)'.', (byte)'N' }, "1 bytes follow its end")]
    [InlineData(new byte[] { 0x80, 9, (byte)'N', (byte)'.' }, "protocol 9")]
    [InlineData(new byte[] { (byte)'c', (byte)'o', (byte)'s' }, "does not end")]
    public void A_broken_pickle_is_refused_with_its_place(byte[] bytes, string text) =>
        Assert.Contains(text, Message(bytes), StringComparison.Ordinal);

    [Fact]
    public void A_list_that_holds_itself_is_walked_once()
    {
        byte[] pickle = PickleWriter.Protocol(2).Raw(']').Put().Raw('h', 0, 'a').End();
        var walk = new ScriptObjectWalk("test");
        walk.Collect(PickleReader.Read(pickle, PicklePolicy.ScriptModule, ArtifactLimits.Default, "test"), "", "test");
        Assert.Empty(walk.Engines);
    }

    private static byte[] Proto() => [0x80, 2];

    private static PickleValue Constant(byte[] bytes) =>
        PickleReader.Read(bytes, PicklePolicy.EngineConstant, ArtifactLimits.Default, "test");

    private static PickleValue Script(byte[] bytes) => PickleReader.Read(bytes, PicklePolicy.ScriptObject, ArtifactLimits.Default, "test");

    private static string Message(byte[] bytes) => Assert.Throws<ArtifactException>(() => Constant(bytes)).Message;

    private static ArtifactFault Fault(Action read) => Assert.Throws<ArtifactException>(read).Fault;

    private static void Refused(Action read, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(read);
        Assert.Equal(ArtifactFault.ForbiddenPickle, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }
}
