using System.Buffers.Binary;
using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Runtime.Engines.Emulated;
using Troupe.Runtime.Failures;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Emulated;

/// <summary>The bytes of an emulated plan: as written, and every way they can be wrong.</summary>
public sealed class EmulatedPlanTests
{
    private static readonly byte[] Manifest = """{ "onnx": "net.onnx", "streamableBytes": 64 }"""u8.ToArray();
    private static readonly byte[] Onnx = TinyModels.Scale(2).ToBytes();

    [Fact]
    public void A_plan_comes_back_as_it_was_written_and_begins_as_plans_do()
    {
        byte[] bytes = EmulatedPlan.Write(Manifest, Onnx);
        Assert.Equal("ftrt"u8, bytes.AsSpan(0, 4));
        Assert.Equal(64 + Manifest.Length + Onnx.Length, bytes.Length);
        var plan = EmulatedPlan.Read(bytes, "m.plan");
        Assert.Equal(Manifest, plan.Manifest.ToArray());
        Assert.Equal(Onnx, plan.Onnx.ToArray());
        Assert.Equal(bytes, EmulatedPlan.Write(plan.Manifest.Span, plan.Onnx.Span));
    }

    [Theory]
    [InlineData("magic", FailureKind.InvalidModel, "begins 'gtrt', which no known format does")]
    [InlineData("marker", FailureKind.NotSupported, "wants the back end 'tensorrt' for 'm.plan', which is not in this build")]
    [InlineData("header", FailureKind.InvalidModel, "has 40 bytes where its header alone has 64")]
    [InlineData("version", FailureKind.NotSupported, "is an emulated plan of version 2; this build reads version 1")]
    [InlineData("huge manifest", FailureKind.InvalidModel, "announces a manifest of 4294967295 bytes")]
    [InlineData("huge model", FailureKind.InvalidModel, "of ONNX after its header, and has")]
    [InlineData("truncated", FailureKind.InvalidModel, "of ONNX after its header, and has")]
    [InlineData("trailing", FailureKind.InvalidModel, "of ONNX after its header, and has")]
    [InlineData("content", FailureKind.InvalidModel, "was changed since it was written")]
    [InlineData("digest", FailureKind.InvalidModel, "was changed since it was written")]
    [InlineData("reserved", FailureKind.InvalidModel, "was changed since it was written")]
    [InlineData("no manifest", FailureKind.InvalidModel, "is not the manifest of an emulated engine")]
    [InlineData("unknown key", FailureKind.InvalidModel, "unknown key 'speed'")]
    [InlineData("no model", FailureKind.InvalidModel, "an emulated plan without an ONNX model in it")]
    [InlineData("outside", FailureKind.InvalidModel, "keeps weights in the file 'weights.bin', but a plan must be whole in itself")]
    [InlineData("too large", FailureKind.OutOfDeviceMemory, "free")]
    public void A_wrong_plan_is_refused_with_nothing_left_behind_and_the_right_one_loads(string kind, FailureKind expected, string text)
    {
        byte[] good = EmulatedPlan.Write(Manifest, Onnx),
            bad = [.. good];
        switch (kind)
        {
            case "magic":
                bad[0]++;
                break;
            case "marker":
                bad[4]++;
                break;
            case "header":
                bad = bad[..40];
                break;
            case "version":
                bad[12] = 2;
                break;
            case "huge manifest":
                BinaryPrimitives.WriteUInt32LittleEndian(bad.AsSpan(16), uint.MaxValue);
                break;
            case "huge model":
                BinaryPrimitives.WriteUInt64LittleEndian(bad.AsSpan(24), ulong.MaxValue);
                break;
            case "truncated":
                bad = bad[..^1];
                break;
            case "trailing":
                bad = [.. bad, 0];
                break;
            case "content":
                bad[^1] ^= 1;
                break;
            case "digest":
                bad[40] ^= 1;
                break;
            case "reserved":
                bad[20] = 1;
                break;
            case "no manifest":
                bad = Forged("{", Onnx);
                break;
            case "unknown key":
                bad = Forged("""{ "onnx": "n", "speed": 1 }""", Onnx);
                break;
            case "no model":
                bad = Forged("""{ "onnx": "n" }""", []);
                break;
            case "outside":
                bad = Forged("""{ "onnx": "n" }""", External());
                break;
            default:
                bad = EmulatedPlan.Write("""{ "onnx": "n", "streamableBytes": 1099511627776 }"""u8, Onnx);
                break;
        }

        using var bench = new Workbench();
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(bench.Folder.Write("m.plan", bad)));
        Assert.Equal(expected, refused.Kind);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Empty(bench.Driver.Alive());
        Assert.Equal(0, bench.Driver.Snapshot(0).BytesInUse);
        Assert.Equal(
            [2, 2, 2, 2],
            Workbench.Floats(
                Workbench.Forward(bench.Load(bench.Folder.Write("m.plan", good)), Workbench.Floats("x", [1, 4], 1, 1, 1, 1))[0]
            )
        );
    }

    [Fact]
    public void Every_truncation_and_every_flipped_byte_is_refused()
    {
        byte[] good = EmulatedPlan.Write(Manifest, Onnx);
        for (int at = 0; at < good.Length; at++)
        {
            byte[] flipped = [.. good];
            flipped[at] ^= 0x40;
            Assert.Throws<ModuleLoadException>(() => EmulatedPlan.Read(good.AsMemory(0, at), "m.plan"));
            Assert.Throws<ModuleLoadException>(() => EmulatedPlan.Read(flipped, "m.plan"));
        }

        Assert.Equal(Onnx.Length, EmulatedPlan.Read(good, "m.plan").Onnx.Length);
    }

    [Fact]
    public void The_writer_refuses_what_could_not_be_loaded()
    {
        Assert.Throws<ModuleLoadException>(() => EmulatedPlan.Write("{}"u8, Onnx));
        Assert.Throws<ModuleLoadException>(() => EmulatedPlan.Write(Manifest, "not a model"u8));
        Assert.Throws<ModuleLoadException>(() => EmulatedPlan.Write(Manifest, External()));
    }

    private static byte[] External() =>
        new TinyOnnx()
            .Input("x", TinyOnnx.Element.Float, 4)
            .Output("y", TinyOnnx.Element.Float, 4)
            .External("w", TinyOnnx.Element.Float, "weights.bin", 16, 4)
            .Node("Add", ["x", "w"], ["y"])
            .ToBytes();

    /// <summary>A plan whose parts are as announced, with a true checksum, and yet wrong.</summary>
    private static byte[] Forged(string manifest, byte[] onnx)
    {
        byte[] text = System.Text.Encoding.UTF8.GetBytes(manifest);
        byte[] plan = [.. "ftrtemulated"u8, 1, 0, 0, 0, .. new byte[48], .. text, .. onnx];
        BinaryPrimitives.WriteInt32LittleEndian(plan.AsSpan(16), text.Length);
        BinaryPrimitives.WriteInt64LittleEndian(plan.AsSpan(24), onnx.Length);
        SHA256.HashData([.. plan[..32], .. plan[64..]]).CopyTo(plan, 32);
        return plan;
    }
}
