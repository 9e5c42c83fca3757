using System.Runtime.InteropServices;
using CsCheck;
using Troupe.Messages.Failures;
using Troupe.Messages.Formatters;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

public sealed class WireFormatTests(ITestOutputHelper output)
{
    public static TheoryData<string> Types => [.. WireFormat.MessageTypes.Select(type => type.FullName!)];

    [Fact]
    public void Manifests_have_two_to_four_small_letters_and_occur_once()
    {
        Assert.All(WireFormat.Manifests, manifest => Assert.Matches("^[a-z]{2,4}$", manifest));
        Assert.Equal(WireFormat.Manifests.Count, WireFormat.Manifests.Distinct().Count());
    }

    [Theory, MemberData(nameof(Types))]
    public void Every_message_comes_back_as_it_was_sent(string name)
    {
        Type type = WireFormat.MessageTypes.Single(one => one.FullName == name);
        Assert.True(MessageGen.ByType.TryGetValue(type, out Gen<object>? gen), $"MessageGen has no generator for {type}.");
        gen.Sample(
            message =>
            {
                byte[] bytes = WireFormat.Serialize(message);
                object back = WireFormat.Deserialize(WireFormat.Manifest(message), bytes);
                Assert.IsType(type, back);
                Assert.Equal(MessageText.Of(message), MessageText.Of(back));
                Assert.Equal(bytes, WireFormat.Serialize(back));
            },
            iter: 300
        );
    }

    [Fact]
    public void The_data_of_a_tensor_is_read_in_place()
    {
        Tensor tensor = new("x", ElementType.UInt8, new TensorShape(40000), new byte[40000]);
        byte[] bytes = WireFormat.Serialize(Sample.Forward with { Inputs = [tensor] });

        Forward back = (Forward)WireFormat.Deserialize("fwd", bytes);

        Assert.True(MemoryMarshal.TryGetArray(back.Inputs[0].Data, out ArraySegment<byte> segment));
        Assert.Same(bytes, segment.Array);
        Assert.Equal(40000, segment.Count);
    }

    [Fact]
    public void A_message_within_a_larger_buffer_is_read_in_place_too()
    {
        byte[] bytes = WireFormat.Serialize(Sample.Forward);
        byte[] larger = new byte[bytes.Length + 20];
        bytes.CopyTo(larger, 7);

        Forward back = (Forward)WireFormat.Deserialize("fwd", larger.AsMemory(7, bytes.Length));

        Assert.True(MemoryMarshal.TryGetArray(back.Inputs[0].Data, out ArraySegment<byte> segment));
        Assert.Same(larger, segment.Array);
    }

    [Fact]
    public void Writing_costs_the_array_and_reading_no_copy()
    {
        Tensor tensor = new("x", ElementType.Fp32, new TensorShape(16384), new byte[65536]);
        RouteForward route = new(Sample.Forward with { Inputs = [tensor] }, 1);
        byte[] bytes = WireFormat.Serialize(route);
        WireFormat.Deserialize("rtf", bytes);

        long before = GC.GetAllocatedBytesForCurrentThread();
        bytes = WireFormat.Serialize(route);
        long written = GC.GetAllocatedBytesForCurrentThread() - before;
        WireFormat.Deserialize("rtf", bytes);
        long read = GC.GetAllocatedBytesForCurrentThread() - before - written;

        output.WriteLine($"{bytes.Length} bytes: {written} allocated to write, {read} to read");
        Assert.InRange(written, bytes.Length, bytes.Length + 1024);
        Assert.InRange(read, 1, 3072);
    }

    [Fact]
    public void Payload_is_counted_in_every_message_that_carries_tensors()
    {
        Tensor tensor = new("x", ElementType.UInt8, new TensorShape(100), new byte[100]);
        Forward forward = Sample.Forward with { Inputs = [tensor, tensor with { Name = "y" }] };
        ForwardReply reply = new ForwardReply.Succeeded(forward.Id, [tensor], Sample.Report);

        Assert.Equal(200, WireFormat.PayloadBytes(forward));
        Assert.Equal(200, WireFormat.PayloadBytes(new RouteForward(forward, 1)));
        Assert.Equal(100, WireFormat.PayloadBytes(reply));
        Assert.Equal(100, WireFormat.PayloadBytes(new ForwardOutcome(1, reply, RetryAdvice.Final)));
        Assert.Equal(0, WireFormat.PayloadBytes(new CancelForward(forward.Id)));
        Assert.Equal(65536, WireFormat.MaxInlinePayload);
    }

    [Fact]
    public void The_largest_inline_payload_fits_a_message()
    {
        Tensor tensor = new("x", ElementType.UInt8, new TensorShape(WireFormat.MaxInlinePayload), new byte[WireFormat.MaxInlinePayload]);
        Assert.NotEmpty(WireFormat.Serialize(new RouteForward(Sample.Forward with { Inputs = [tensor] }, 1)));
    }

    [Fact]
    public void Long_text_for_people_is_clipped_instead_of_losing_the_reply()
    {
        ForwardReply reply = new ForwardReply.Failed(Sample.Id, FailureKind.BackendFailed, new string('é', 100_000));

        ForwardReply.Failed back = (ForwardReply.Failed)WireFormat.Deserialize("frp", WireFormat.Serialize(reply));

        Assert.EndsWith("é…", back.Detail, StringComparison.Ordinal);
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(back.Detail), WireLimits.ProseBytes - 4, WireLimits.ProseBytes);
    }

    [Fact]
    public void Unknown_manifests_and_types_are_refused_by_name()
    {
        Assert.Contains(
            "'zz'",
            Assert.Throws<WireException>(() => WireFormat.Deserialize("zz", new byte[] { 0x90 })).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "Version",
            Assert.Throws<WireException>(() => WireFormat.Serialize(new Version(1, 2))).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Messages_above_the_limit_are_refused_on_both_sides()
    {
        Tensor tensor = new("x", ElementType.UInt8, new TensorShape(WireLimits.MessageBytes), new byte[WireLimits.MessageBytes]);
        WireException written = Assert.Throws<WireException>(() => WireFormat.Serialize(Sample.Forward with { Inputs = [tensor] }));
        WireException read = Assert.Throws<WireException>(() => WireFormat.Deserialize("fwd", new byte[WireLimits.MessageBytes + 1]));
        Assert.Equal(("fwd", "fwd"), (written.Manifest, read.Manifest));
        Assert.Contains("229376", written.Limit, StringComparison.Ordinal);
    }

    public static TheoryData<string, object> Invalid =>
        new()
        {
            { "the inputs", Sample.Forward with { Inputs = null! } },
            { "the inputs has an entry", Sample.Forward with { Inputs = [null!] } },
            { "takes 8 bytes", Sample.Forward with { Inputs = [new Tensor("x", ElementType.Fp32, new TensorShape(2), new byte[7])] } },
            { "is no element type", Sample.Forward with { Inputs = [new Tensor("x", (ElementType)99, new TensorShape(2), new byte[8])] } },
            { "not concrete", Sample.Forward with { Inputs = [new Tensor("x", ElementType.Fp32, new TensorShape(-1), new byte[8])] } },
            {
                "more elements than can be counted",
                Sample.Forward with
                {
                    Inputs = [new Tensor("x", ElementType.Fp32, new TensorShape(1L << 62, 4), new byte[8])],
                }
            },
            { "'x' occurs twice", Sample.Forward with { Inputs = [Sample.Tensor("x"), Sample.Tensor("x")] } },
            { "name of a tensor is empty", Sample.Forward with { Inputs = [Sample.Tensor("")] } },
            { "the name of a tensor is too long", Sample.Forward with { Inputs = [Sample.Tensor(new string('n', 513))] } },
            { "entries", Sample.Forward with { Inputs = [.. Enumerable.Range(0, 257).Select(i => Sample.Tensor($"t{i}"))] } },
            { "the name of a model is missing", Sample.Forward with { Model = new ModelReference(null!) } },
            { "the version of a model is -1", Sample.Forward with { Model = new ModelReference("m", -1) } },
            { "U+0000", Sample.Forward with { Model = new ModelReference("m\0") } },
            { "the time left is -", Sample.Forward with { TimeLeft = TimeSpan.FromTicks(-1) } },
            { "the time left", Sample.Forward with { TimeLeft = TimeSpan.MaxValue } },
            { "the ordinal of a device is -1", Sample.Forward with { Gpu = new GpuId(new NodeId("a:1"), -1) } },
            { "the address of a node is missing", Sample.Forward with { Gpu = new GpuId(default, 0) } },
            {
                "the share of a weight budget is NaN",
                Sample.Forward with
                {
                    Modes = new ModeChange { WeightBudget = WeightBudget.OfFraction(double.NaN) },
                }
            },
            { "the CUDA graphs mode is 9", Sample.Forward with { Modes = new ModeChange { CudaGraphs = (CudaGraphsMode)9 } } },
            { "the attempt is 0", new RouteForward(Sample.Forward, 0) },
            { "the forward is missing", new RouteForward(null!, 1) },
            { "the kind of a failure is 0", new ForwardReply.Failed(Sample.Id, 0, "") },
            { "the detail of a failure is missing", new ForwardReply.Failed(Sample.Id, FailureKind.Internal, null!) },
            { "the report is missing", new ForwardReply.Succeeded(Sample.Id, [], null!) },
            { "the lease is -", new EnterMode(ModeScope.Cluster, ModeChange.None, TimeSpan.FromSeconds(-1)) },
            { "the change is missing", new SetMode(ModeScope.Cluster, null!) },
        };

    [Theory, MemberData(nameof(Invalid))]
    public void An_invalid_message_is_refused_by_the_writer_and_by_the_reader(string problem, object message)
    {
        WireException written = Assert.Throws<WireException>(() => WireFormat.Serialize(message));
        Assert.Contains(problem, written.Message, StringComparison.Ordinal);

        byte[] forged = WireTestBytes.WriteUnchecked(message);
        WireException read = Assert.Throws<WireException>(() => WireFormat.Deserialize(WireFormat.Manifest(message), forged));
        Assert.Equal(WireFormat.Manifest(message), read.Manifest);

        // The next good message is read as ever.
        Assert.IsType<Forward>(WireFormat.Deserialize("fwd", WireFormat.Serialize(Sample.Forward)));
    }

    [Theory]
    [InlineData("c0", "nil")]
    [InlineData("90", "missing")]
    [InlineData("", "ends after 0 bytes")]
    [InlineData("dd7fffffff", "declares more")]
    [InlineData("c67fffffff00", "declares more")]
    [InlineData("dbffffffff00", "declares more")]
    [InlineData("dfffffffff00", "declares more")]
    [InlineData("c1", "0xc1")]
    [InlineData("91a3ff6162", "cannot be read")]
    [InlineData("91d9", "ends after")]
    public void Bytes_that_are_no_message_say_what_is_wrong(string hex, string problem)
    {
        WireException trouble = Assert.Throws<WireException>(() => WireFormat.Deserialize("ulm", Convert.FromHexString(hex)));
        Assert.Contains(problem, trouble.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nesting_without_end_is_refused_before_the_stack_is_used()
    {
        byte[] nested = new byte[200_000];
        Array.Fill(nested, (byte)0x91);
        Assert.Contains(
            "nested",
            Assert.Throws<WireException>(() => WireFormat.Deserialize("fwd", nested)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Bytes_behind_a_message_are_refused()
    {
        byte[] bytes = [.. WireFormat.Serialize(new CancelForward(Sample.Id)), 0xc0];
        Assert.Contains(
            "1 bytes follow",
            Assert.Throws<WireException>(() => WireFormat.Deserialize("cxl", bytes)).Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Invalid_utf8_in_a_name_is_refused()
    {
        byte[] bytes = WireFormat.Serialize(new LoadModel("name"));
        bytes[bytes.AsSpan().IndexOf("name"u8)] = 0xff;
        Assert.Throws<WireException>(() => WireFormat.Deserialize("ldm", bytes));
    }
}
