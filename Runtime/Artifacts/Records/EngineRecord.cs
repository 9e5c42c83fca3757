using System.Globalization;
using System.Text;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>What torch_tensorrt saves of one engine: up to 13 fields, read from any ABI of 4 to 10 and written back as they were.</summary>
/// <remarks>Counterpart of <c>SerializedInfoIndex</c>. Fields that older ABIs lack have the values that their writers implied.</remarks>
public sealed record EngineRecord
{
    /// <summary>Version of the layout, 4 to 10; decides how many fields are written.</summary>
    public int Abi { get; init; } = RecordLayout.NewestAbi;

    /// <summary>As saved; see <see cref="SegmentName"/>.</summary>
    public required string Name { get; init; }

    /// <summary>The name as the seed shows it after loading: dots are underscores.</summary>
    public string SegmentName => Name.Replace('.', '_');

    /// <summary>Where it was built; null where the format does not tell.</summary>
    public DeviceStamp? Device { get; init; }

    /// <summary>The engine's bytes; empty in a record of metadata only.</summary>
    public ReadOnlyMemory<byte> Plan { get; init; }

    /// <summary>In the order of the call's arguments; when both lists are empty, <see cref="BindingNames.Resolve"/> infers them.</summary>
    public IReadOnlyList<string> InputNames { get; init; } = [];

    public IReadOnlyList<string> OutputNames { get; init; } = [];

    /// <summary>The engine runs on any GPU of compute capability 8.0 and above.</summary>
    public bool HardwareCompatible { get; init; }

    /// <summary>Base64 of a Python pickle, kept as it is and never run.</summary>
    public string Metadata { get; init; } = "";

    /// <summary>The outputs are the module's own: a pre-allocated set is replaced after each call, never overwritten.</summary>
    public bool OutputsAreUnowned { get; private init; }

    /// <summary>Spelling as saved; null where the format or its ABI (below 6) does not tell.</summary>
    public string? PlatformText { get; init; }

    /// <summary>Null where nothing is told.</summary>
    public TargetPlatform? Platform => PlatformText is null ? null : TargetPlatforms.Parse(PlatformText, $"engine '{Name}'");

    public bool RequiresOutputAllocator { get; init; }

    public ResourceAllocation ResourceAllocation { get; init; }

    public bool RequiresNativeMultidevice { get; init; }

    /// <summary>Outputs that share an input's memory.</summary>
    public IReadOnlyList<AliasSpec> Aliases { get; init; } = [];

    /// <summary>What was read otherwise than it is written, for people; the engine is loaded all the same.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>What a call returns: outputs up to the last that is not aliased, or all where all are (AL-05; TorchTensorRTModule trims the
    /// same way).</summary>
    public IReadOnlyList<string> ResultNames
    {
        get
        {
            HashSet<string> aliased = [.. Aliases.Select(alias => alias.Output)];
            int last = OutputNames.Count - 1;
            while (last >= 0 && aliased.Contains(OutputNames[last]))
            {
                last--;
            }

            return last < 0 ? OutputNames : [.. OutputNames.Take(last + 1)];
        }
    }

    /// <summary>The plan looks like TensorRT's; another back end's engine may travel in the same record.</summary>
    public bool IsTensorRtPlan => Plan.Span.StartsWith(PlanEncoding.PlanMagic);

    /// <summary>Reads the fields of a record; the engine may be raw or base64.</summary>
    /// <param name="where">File and place, for errors.</param>
    /// <exception cref="ArtifactException">A field is not what its ABI says.</exception>
    public static EngineRecord Parse(IReadOnlyList<ReadOnlyMemory<byte>> fields, string where)
    {
        ArgumentNullException.ThrowIfNull(fields);
        var reader = new RecordFields(fields, where);
        string metadata = reader.Text(RecordLayout.Metadata, "");
        var warnings = new List<string>();
        var record = new EngineRecord
        {
            Abi = reader.Abi,
            Name = reader.Text(RecordLayout.Name, ""),
            Device = DeviceStamp.Parse(reader.Text(RecordLayout.Device, ""), reader.Where(RecordLayout.Device)),
            Plan = reader.Plan(),
            InputNames = reader.Names(RecordLayout.InputNames),
            OutputNames = reader.Names(RecordLayout.OutputNames),
            HardwareCompatible = reader.Bit(RecordLayout.HardwareCompatible),
            Metadata = metadata,
            OutputsAreUnowned = UnownedFlag.Find(Encoding.UTF8.GetBytes(metadata), reader.Where(RecordLayout.Metadata)),
            PlatformText = reader.PlatformText(),
            RequiresOutputAllocator = reader.Bit(RecordLayout.RequiresOutputAllocator),
            ResourceAllocation = reader.Bit(RecordLayout.ResourceAllocation) ? ResourceAllocation.Dynamic : ResourceAllocation.Static,
            RequiresNativeMultidevice = reader.Bit(RecordLayout.RequiresNativeMultidevice),
            Aliases = reader.Aliases(warnings),
            Warnings = warnings,
        };
        record.Check(where);
        return record;
    }

    /// <summary>Writes the fields of this record's ABI.</summary>
    /// <exception cref="InvalidOperationException">The record does not say on which device the engine was built, or for which
    /// platform.</exception>
    public IReadOnlyList<ReadOnlyMemory<byte>> ToFields(PlanForm form)
    {
        DeviceStamp device =
            Device
            ?? throw new InvalidOperationException($"The record of engine '{Name}' names no device; set Device before it is written.");
        ReadOnlyMemory<byte>[] fields =
        [
            Utf8(Abi.ToString(CultureInfo.InvariantCulture)),
            Utf8(Name),
            Utf8(device.ToString()),
            form == PlanForm.Raw || Plan.IsEmpty ? Plan : PlanEncoding.ToBase64(Plan.Span),
            Utf8(string.Join('%', InputNames)),
            Utf8(string.Join('%', OutputNames)),
            Bit(HardwareCompatible),
            Utf8(Metadata),
            Utf8(PlatformToWrite()),
            Bit(RequiresOutputAllocator),
            Bit(ResourceAllocation == ResourceAllocation.Dynamic),
            Bit(RequiresNativeMultidevice),
            Utf8(AliasText.Write(Aliases)),
        ];
        return fields.AsMemory(0, RecordLayout.FieldCount(Abi)).ToArray();
    }

    /// <summary>Rules that span fields.</summary>
    internal EngineRecord Check(string where)
    {
        if (Aliases.Count > 0 && RequiresOutputAllocator)
        {
            throw ArtifactException.Corrupt(
                where,
                $"Aliased output {Aliases[0].Output} is incompatible with dynamic output allocator. Aliasing requires fixed output shape"
            );
        }

        AliasText.Check(Aliases, InputNames, OutputNames, where);
        return this;
    }

    /// <summary>A copy whose unowned bit follows its metadata: for formats that carry the metadata outside a record.</summary>
    internal EngineRecord WithMetadata(string metadata, string where) =>
        this with
        {
            Metadata = metadata,
            OutputsAreUnowned = UnownedFlag.Find(Encoding.UTF8.GetBytes(metadata), where),
        };

    private string PlatformToWrite() =>
        PlatformText
        ?? (
            RecordLayout.FieldCount(Abi) > RecordLayout.Platform
                ? throw new InvalidOperationException(
                    $"The record of engine '{Name}' names no platform; set PlatformText before it is written."
                )
                : ""
        );

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static byte[] Bit(bool value) => [value ? (byte)'1' : (byte)'0'];
}
