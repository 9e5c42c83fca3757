using System.Text;

namespace Troupe.TestSupport.Artifacts;

/// <summary>The strings of engine records as torch_tensorrt writes them.</summary>
public static class RecordStrings
{
    public const string Device = "0%8%6%0%NVIDIA RTX A6000";

    /// <summary>A plan that no TensorRT would load, but that begins as plans do.</summary>
    public static byte[] Plan(int size = 64, byte seed = 1)
    {
        byte[] plan = new byte[size];
        new Random(seed).NextBytes(plan);
        "ftrt"u8.CopyTo(plan);
        return plan;
    }

    /// <summary>The pickled metadata of the compiler, reduced to what matters.</summary>
    public static string Metadata(bool unowned)
    {
        byte[] pickle = PickleWriter
            .Protocol(4)
            .Raw('}', 0x94, '(')
            .ShortText("settings")
            .Raw(0x94, 'N')
            .ShortText("output_tensors_are_unowned")
            .Raw(0x94)
            .Raw(unowned ? 0x88 : 0x89)
            .Raw('u')
            .End();
        return Convert.ToBase64String(pickle);
    }

    /// <summary>The first fields of the newest layout; ABI 4 to 10 have 6, 7, 9, 10, 11, 12 and 13 of them.</summary>
    public static string[] Fields(
        int abi = 10,
        string name = "_run_on_acc_0_engine",
        string inputs = "x",
        string outputs = "y",
        string platform = "linux_x86_64",
        string aliases = "",
        bool unowned = false,
        byte[]? plan = null,
        string requiresAllocator = "0"
    )
    {
        int[] counts = [6, 7, 9, 10, 11, 12, 13];
        string[] all =
        [
            $"{abi}",
            name,
            Device,
            Convert.ToBase64String(plan ?? Plan()),
            inputs,
            outputs,
            "1",
            Metadata(unowned),
            platform,
            requiresAllocator,
            "1",
            "0",
            aliases,
        ];
        return all[..(abi is >= 4 and <= 10 ? counts[abi - 4] : 13)];
    }

    public static ReadOnlyMemory<byte>[] Utf8(IEnumerable<string> fields) =>
        [.. fields.Select(field => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(field))];
}
