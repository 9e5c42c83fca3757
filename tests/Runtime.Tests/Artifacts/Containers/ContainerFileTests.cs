using System.Buffers.Binary;
using System.Text;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Containers;

[Trait("row", "SE-06")]
public sealed class ContainerFileTests
{
    private static readonly ContainerMetadata Plain = new()
    {
        Bindings = [new("x", "float32", [1, 3, -1], true), new("y", "", [], false)],
        HardwareCompatible = true,
        DeviceOrdinal = 1,
        SerializedMetadata = RecordStrings.Metadata(unowned: true),
        TargetPlatform = "linux_x86_64",
    };

    private static readonly ContainerMetadata Aliased = Plain with { Aliases = [new AliasSpec("y", "x", AliasKind.KvCacheUpdate)] };

    [Fact]
    public void A_TR01_has_the_bytes_that_upstream_writes()
    {
        byte[] file = ContainerFile.Write(
            new ContainerMetadata
            {
                Bindings = [new("x", "float32", [1, 2], true)],
                TargetPlatform = "linux_x86_64",
                SerializedMetadata = "a+/=",
            },
            "ftrt!"u8
        );
        const string Json =
            """{"io_bindings":[{"name":"x","dtype":"float32","shape":[1,2],"is_input":true}],"aliased_io":[],"hardware_compatible":false,"device_id":0,"serialized_metadata":"a+/=","target_platform":"linux_x86_64"}""";
        int engine = (32 + Json.Length + 15) / 16 * 16;
        Assert.Equal("TR01"u8, file.AsSpan(0, 4));
        Assert.Equal([32u, (uint)Json.Length, (uint)engine], [Word(file, 4), Word(file, 8), Word(file, 12)]);
        Assert.Equal(5ul, BinaryPrimitives.ReadUInt64LittleEndian(file.AsSpan(16)));
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 0], file[24..32]);
        Assert.Equal(Json, Encoding.UTF8.GetString(file, 32, Json.Length));
        Assert.Equal("ftrt!"u8, file.AsSpan(engine));
    }

    [Fact]
    public void Both_containers_come_back_as_they_were_written()
    {
        foreach (ContainerMetadata written in new[] { Plain, Aliased })
        {
            byte[] file = ContainerFile.Write(written, RecordStrings.Plan());
            (ContainerMetadata read, ReadOnlyMemory<byte> plan) = ContainerFile.Read(file, "test");
            Assert.Equal(file, ContainerFile.Write(read, plan.Span));
            Assert.Equal(written.Aliases.Count > 0 ? "TR02" : "TR01", Encoding.ASCII.GetString(file, 0, 4));
            Assert.Equal(written.Aliases, read.Aliases);
            Assert.Equal(RecordStrings.Plan(), plan.ToArray());
        }
    }

    [Fact]
    public void An_opened_container_tells_names_types_aliases_and_the_unowned_flag()
    {
        ArtifactSpec spec = ArtifactReader.Open(ContainerFile.Write(Aliased, RecordStrings.Plan()), "net.trt");
        EngineRecord record = Assert.Single(spec.Engines).Record;
        Assert.Equal(ArtifactFormat.Tr02, spec.Format);
        Assert.Equal(["x"], record.InputNames);
        Assert.Equal(["y"], record.OutputNames);
        Assert.Equal(Aliased.Aliases, record.Aliases);
        Assert.True(record.OutputsAreUnowned);
        Assert.Equal(ElementType.Fp32, spec.Engines[0].Tensors[0].Type);
        Assert.Null(spec.Engines[0].Tensors[1].Type);
    }

    [Fact]
    public void A_record_becomes_a_container_unless_a_container_cannot_say_what_it_needs()
    {
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields()), "test") with
        {
            ResourceAllocation = ResourceAllocation.Static,
        };
        ArtifactSpec spec = ArtifactReader.Open(ContainerFile.Write(record), "net.trt");
        Assert.Equal(record.Plan.ToArray(), spec.Engines[0].Record.Plan.ToArray());
        Assert.Equal(record.Metadata, spec.Engines[0].Record.Metadata);
        Assert.Contains(
            "requires an output allocator",
            Assert.Throws<ArtifactException>(() => ContainerFile.Write(record with { RequiresOutputAllocator = true })).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "native multi-device",
            Assert.Throws<ArtifactException>(() => ContainerFile.Write(record with { RequiresNativeMultidevice = true })).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "allocates its workspace dynamically",
            Assert
                .Throws<ArtifactException>(() => ContainerFile.Write(record with { ResourceAllocation = ResourceAllocation.Dynamic }))
                .Message,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(0, 0x33305254, ArtifactFault.UnknownFormat, "not TR01 or TR02")]
    [InlineData(4, 16, ArtifactFault.Corrupt, "lies inside the header")]
    [InlineData(8, 0x7FFFFFFF, ArtifactFault.TooLarge, "at most")]
    [InlineData(8, 0x1000, ArtifactFault.Corrupt, "runs into the engine")]
    [InlineData(12, 33, ArtifactFault.Corrupt, "no multiple of 16")]
    [InlineData(12, 0x7FFFFFF0, ArtifactFault.Truncated, "ends beyond the file")]
    [InlineData(16, 0x7FFFFFFF, ArtifactFault.Truncated, "ends beyond the file")]
    [InlineData(20, -1, ArtifactFault.Truncated, "ends beyond the file")]
    [InlineData(16, 0, ArtifactFault.Missing, "holds no engine")]
    public void A_broken_header_is_refused(int offset, int value, ArtifactFault fault, string text)
    {
        byte[] file = ContainerFile.Write(Plain, RecordStrings.Plan());
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(offset), value);
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => ContainerFile.Read(file, "net.trt"));
        Assert.Equal(fault, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "is a list, not an object")]
    [InlineData("{", "the JSON is broken")]
    [InlineData("{}", "'io_bindings' is missing")]
    [InlineData("""{"io_bindings":[{}]}""", "'name' is missing")]
    [InlineData("""{"io_bindings":[{"name":3}]}""", "is the number 3, not a text")]
    [InlineData("""{"io_bindings":[{"name":"x","shape":[-2]}]}""", "a dimension below -1")]
    [InlineData("""{"io_bindings":[{"name":"x"},{"name":"x"}]}""", "stands twice")]
    [InlineData("""{"io_bindings":[],"io_bindings":[]}""", "the JSON is broken")]
    [InlineData("""{"io_bindings":[],"hardware_compatible":1}""", "not true or false")]
    [InlineData("""{"io_bindings":[],"device_id":-1}""", "not a whole number from 0")]
    [InlineData("""{"io_bindings":[],"target_platform":"amiga"}""", "the platform 'amiga'")]
    [InlineData("""{"io_bindings":[{"name":"x"}],"aliased_io":[{"output":"y","input":"x"}]}""", "names no output and input")]
    [InlineData(
        """{"io_bindings":[{"name":"x"},{"name":"y","is_input":false}],"aliased_io":[{"output":"y","input":"x"}]}""",
        "only TR02 may have"
    )]
    [InlineData("""{"io_bindings":[{"name":"\uD800"}]}""", "not valid Unicode")]
    public void Broken_metadata_is_refused_by_place(string json, string text)
    {
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => ContainerFile.Read(WithJson(json), "net.trt"));
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("net.trt", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(2, ContainerFile.Read(ContainerFile.Write(Plain, RecordStrings.Plan()), "next").Metadata.Bindings.Count);
    }

    [Fact]
    public void JSON_that_nests_too_deep_is_refused() =>
        Assert.Throws<ArtifactException>(() => ContainerFile.Read(WithJson(new string('[', 100_000)), "net.trt"));

    private static byte[] WithJson(string json)
    {
        byte[] text = Encoding.UTF8.GetBytes(json);
        int engine = (32 + text.Length + 15) / 16 * 16;
        byte[] file = new byte[engine + 16];
        "TR01"u8.CopyTo(file);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(4), 32);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(8), text.Length);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(12), engine);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(16), 16);
        text.CopyTo(file, 32);
        return file;
    }

    private static uint Word(byte[] file, int at) => BinaryPrimitives.ReadUInt32LittleEndian(file.AsSpan(at));
}
