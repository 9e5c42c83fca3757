namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Order of a record's fields (torch_tensorrt core/runtime/runtime.h), and how many each ABI has.</summary>
internal static class RecordLayout
{
    public const int Abi = 0;
    public const int Name = 1;
    public const int Device = 2;
    public const int Engine = 3;
    public const int InputNames = 4;
    public const int OutputNames = 5;
    public const int HardwareCompatible = 6;
    public const int Metadata = 7;
    public const int Platform = 8;
    public const int RequiresOutputAllocator = 9;
    public const int ResourceAllocation = 10;
    public const int RequiresNativeMultidevice = 11;
    public const int AliasedIo = 12;

    public const int OldestAbi = 4;
    public const int NewestAbi = 10;
    public const int MostFields = 13;

    public static readonly string[] FieldNames =
    [
        "ABI",
        "name",
        "device",
        "engine",
        "input names",
        "output names",
        "hardware_compatible",
        "metadata",
        "platform",
        "requires_output_allocator",
        "resource_allocation_strategy",
        "requires_native_multidevice",
        "aliased_io",
    ];

    /// <summary>torch_tensorrt up to 2.2 wrote ABI 4; 2.3 5; 2.5 6; 2.7 7; 2.11 8; 2.12 9; 2.14 10.</summary>
    public static int FieldCount(int abi) =>
        abi switch
        {
            4 => 6,
            5 => 7,
            6 => 9,
            7 => 10,
            8 => 11,
            9 => 12,
            _ => MostFields,
        };
}
