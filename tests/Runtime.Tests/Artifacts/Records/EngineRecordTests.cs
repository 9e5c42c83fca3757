using System.Text;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts.Records;

public sealed class EngineRecordTests
{
    [Fact, Trait("row", "SE-01")]
    public void Thirteen_fields_are_read_and_written_back_identically()
    {
        string[] fields = RecordStrings.Fields(
            inputs: "x%cache",
            outputs: "y%new_cache",
            aliases: "new_cache@cache@kv_cache_update",
            unowned: true
        );
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(fields), "test");
        Assert.Equal(fields, record.ToFields(PlanForm.Base64).Select(field => Encoding.UTF8.GetString(field.Span)));
        Assert.Equal(10, record.Abi);
        Assert.Equal(new DeviceStamp(0, 8, 6, DeviceStampKind.Gpu, "NVIDIA RTX A6000"), record.Device);
        Assert.Equal(RecordStrings.Plan(), record.Plan.ToArray());
        Assert.Equal(["x", "cache"], record.InputNames);
        Assert.Equal(["y", "new_cache"], record.OutputNames);
        Assert.Equal(TargetPlatform.LinuxX64, record.Platform);
        Assert.Equal([new AliasSpec("new_cache", "cache", AliasKind.KvCacheUpdate)], record.Aliases);
        Assert.Equal(ResourceAllocation.Dynamic, record.ResourceAllocation);
        Assert.True(record.HardwareCompatible && record.OutputsAreUnowned && record.IsTensorRtPlan);
        Assert.False(record.RequiresOutputAllocator || record.RequiresNativeMultidevice);
    }

    [Theory, Trait("row", "SE-01")]
    [InlineData(4, 6), InlineData(5, 7), InlineData(6, 9), InlineData(7, 10), InlineData(8, 11), InlineData(9, 12), InlineData(10, 13)]
    public void Every_ABI_is_read_with_defaults_and_written_back_in_its_own_length(int abi, int count)
    {
        string[] fields = RecordStrings.Fields(abi, unowned: true);
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(fields), "test");
        Assert.Equal(count, fields.Length);
        Assert.Equal(fields, record.ToFields(PlanForm.Base64).Select(field => Encoding.UTF8.GetString(field.Span)));
        Assert.Equal(abi >= 5, record.HardwareCompatible);
        Assert.Equal(abi >= 6, record.OutputsAreUnowned);
        Assert.Equal(abi >= 6 ? TargetPlatform.LinuxX64 : null, record.Platform);
        Assert.Equal(abi >= 8 ? ResourceAllocation.Dynamic : ResourceAllocation.Static, record.ResourceAllocation);
        Assert.Empty(record.Aliases);
    }

    [Fact, Trait("row", "SE-01")]
    public void A_raw_plan_is_kept_as_it_is_and_written_in_either_form()
    {
        ReadOnlyMemory<byte>[] fields = RecordStrings.Utf8(RecordStrings.Fields());
        fields[3] = RecordStrings.Plan();
        EngineRecord record = EngineRecord.Parse(fields, "test");
        Assert.Equal(RecordStrings.Plan(), record.Plan.ToArray());
        Assert.Equal(fields.Select(field => field.ToArray()), record.ToFields(PlanForm.Raw).Select(field => field.ToArray()));
        Assert.Equal(RecordStrings.Fields()[3], Encoding.UTF8.GetString(record.ToFields(PlanForm.Base64)[3].Span));
    }

    [Fact]
    public void Dots_of_the_name_are_underscores_after_loading_and_dots_when_written()
    {
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields(name: "net.block.0_engine")), "test");
        Assert.Equal("net_block_0_engine", record.SegmentName);
        Assert.Equal("net.block.0_engine", Encoding.UTF8.GetString(record.ToFields(PlanForm.Raw)[1].Span));
    }

    [Theory]
    [
        InlineData("windows_x86_64", TargetPlatform.WindowsX64),
        InlineData("win_x86_64", TargetPlatform.WindowsX64),
        InlineData("windows_arm64", TargetPlatform.WindowsArm64)
    ]
    [
        InlineData("win_arm64", TargetPlatform.WindowsArm64),
        InlineData("linux_aarch64", TargetPlatform.LinuxArm64),
        InlineData("unknown", TargetPlatform.Unknown)
    ]
    public void Both_spellings_of_a_platform_are_read_and_kept(string text, TargetPlatform platform)
    {
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields(platform: text)), "test");
        Assert.Equal(platform, record.Platform);
        Assert.Equal(text, Encoding.UTF8.GetString(record.ToFields(PlanForm.Raw)[8].Span));
    }

    [Theory, Trait("row", "AL-05")]
    [InlineData("y%k%v", "k@a@user%v@b@user", "y")]
    [InlineData("k%y%v", "k@a@user%v@b@user", "k%y")]
    [InlineData("k%v", "k@a@user%v@b@user", "k%v")]
    [InlineData("y%k", "", "y%k")]
    public void Trailing_aliased_outputs_are_no_results_unless_all_are_aliased(string outputs, string aliases, string results)
    {
        EngineRecord record = EngineRecord.Parse(
            RecordStrings.Utf8(RecordStrings.Fields(inputs: "a%b", outputs: outputs, aliases: aliases)),
            "test"
        );
        Assert.Equal(results.Split('%'), record.ResultNames);
    }

    [Theory]
    [InlineData(0, "11", ArtifactFault.WrongAbi, "ABI '11'; ABI 4 to 10 are read")]
    [InlineData(0, "3", ArtifactFault.WrongAbi, "ABI '3'")]
    [InlineData(0, "010", ArtifactFault.WrongAbi, "ABI '010'")]
    [InlineData(0, "9", ArtifactFault.WrongAbi, "has 13 fields where ABI 9 has 12")]
    [InlineData(2, "0%8%6%0", ArtifactFault.Corrupt, "has 4 parts")]
    [InlineData(2, "0%8%6%0%a%b", ArtifactFault.Corrupt, "has 6 parts")]
    [InlineData(2, "0%8%6%2%a", ArtifactFault.Corrupt, "type 2")]
    [InlineData(2, "-1%8%6%0%a", ArtifactFault.Corrupt, "the id '-1'")]
    [InlineData(3, "not base64!", ArtifactFault.Corrupt, "neither begins 'ftrt' nor is base64")]
    [InlineData(3, "Z nR", ArtifactFault.Corrupt, "white space")]
    [InlineData(3, "ZnR*", ArtifactFault.Corrupt, "foreign")]
    [InlineData(4, "x%x", ArtifactFault.Corrupt, "a name stands twice")]
    [InlineData(6, "2", ArtifactFault.Corrupt, "field 6 (hardware_compatible): the value '2' is neither 0 nor 1")]
    [InlineData(7, "!!!!", ArtifactFault.Corrupt, "metadata is not base64")]
    [InlineData(8, "solaris_sparc", ArtifactFault.WrongPlatform, "the platform 'solaris_sparc' is none of")]
    [InlineData(12, "z@x@user", ArtifactFault.Corrupt, "names no output and input")]
    [InlineData(12, "y@x@user%y@x@user", ArtifactFault.Corrupt, "aliased twice")]
    public void A_wrong_field_is_refused_by_name_and_the_next_record_is_read(int field, string value, ArtifactFault fault, string text)
    {
        string[] fields = RecordStrings.Fields();
        fields[field] = value;
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => EngineRecord.Parse(RecordStrings.Utf8(fields), "model.pt2"));
        Assert.Equal(fault, refusal.Fault);
        Assert.Contains(text, refusal.Message, StringComparison.Ordinal);
        Assert.StartsWith("model.pt2", refusal.Message, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Fix);
        Assert.Equal(10, EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields()), "next").Abi);
    }

    [Theory]
    [InlineData("y@x", "", "'y@x' is not output@input@kind and is passed over")]
    [InlineData("y@x@user%@x@user%y", "y=x User", "'@x@user' is not", "'y' is not")]
    [InlineData("y@x@sometimes", "y=x KvCacheUpdate", "'sometimes' is neither kv_cache_update nor user and is read as kv_cache_update")]
    [InlineData("y@x@", "y=x KvCacheUpdate", "the alias kind '' is neither")]
    [InlineData("y@x@user", "y=x User")]
    public void An_alias_of_another_form_is_passed_over_and_an_unknown_kind_is_the_engines(
        string text,
        string expected,
        params string[] warnings
    )
    {
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields(aliases: text)), "model.pt2");
        Assert.Equal(expected, string.Join(' ', record.Aliases.Select(alias => $"{alias.Output}={alias.Input} {alias.Kind}")));
        Assert.Equal(warnings.Length, record.Warnings.Count);
        Assert.All(warnings.Zip(record.Warnings), pair => Assert.Contains(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.All(record.Warnings, warning => Assert.StartsWith("model.pt2, field 12 (", warning, StringComparison.Ordinal));
    }

    [Fact]
    public void An_aliased_engine_that_requires_an_allocator_is_refused_in_the_seeds_words()
    {
        string[] fields = RecordStrings.Fields(aliases: "y@x@user", requiresAllocator: "1");
        ArtifactException refusal = Assert.Throws<ArtifactException>(() => EngineRecord.Parse(RecordStrings.Utf8(fields), "test"));
        Assert.Contains(
            "Aliased output y is incompatible with dynamic output allocator. Aliasing requires fixed output shape.",
            refusal.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void The_unowned_flag_is_found_behind_either_form_of_its_key_and_never_by_running_the_pickle()
    {
        byte[] protocol2 = PickleWriter.Protocol(2).Raw('}', 'q', 0).Text("output_tensors_are_unowned").Raw('q', 1, 0x88, 's').End();
        byte[] hostile = PickleWriter
            .Protocol(2)
            .Global("os", "system")
            .Text("output_tensors_are_unowned")
            .Raw('r')
            .Word(9)
            .Raw(0x89, 'R')
            .End();
        byte[] mentioned = PickleWriter.Protocol(2).Text("about output_tensors_are_unowned here").End();
        byte[] neither = PickleWriter.Protocol(2).Text("output_tensors_are_unowned").Raw('N').End();
        byte[] cut = PickleWriter.Protocol(2).Text("output_tensors_are_unowned").Unended();
        Assert.True(Unowned(protocol2));
        Assert.False(Unowned(hostile));
        Assert.False(Unowned(mentioned));
        Assert.Contains(
            "neither true nor false but opcode 0x4E",
            Assert.Throws<ArtifactException>(() => Unowned(neither)).Message,
            StringComparison.Ordinal
        );
        Assert.Equal(ArtifactFault.Truncated, Assert.Throws<ArtifactException>(() => Unowned(cut)).Fault);
    }

    [Fact]
    public void A_record_without_a_device_cannot_be_written()
    {
        var record = new EngineRecord { Name = "engine", Plan = RecordStrings.Plan() };
        Assert.Throws<InvalidOperationException>(() => record.ToFields(PlanForm.Raw));
    }

    [Fact]
    public void A_record_that_tells_no_platform_cannot_be_written_as_one_that_nobody_would_load()
    {
        EngineRecord record = EngineRecord.Parse(RecordStrings.Utf8(RecordStrings.Fields()), "test") with { PlatformText = null };
        InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => record.ToFields(PlanForm.Raw));
        Assert.Contains("set PlatformText", refused.Message, StringComparison.Ordinal);
        Assert.Equal(7, (record with { Abi = 5 }).ToFields(PlanForm.Raw).Count);
    }

    private static bool Unowned(byte[] pickle)
    {
        string[] fields = RecordStrings.Fields();
        fields[7] = Convert.ToBase64String(pickle);
        return EngineRecord.Parse(RecordStrings.Utf8(fields), "test").OutputsAreUnowned;
    }
}
