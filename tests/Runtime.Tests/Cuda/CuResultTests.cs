using System.Globalization;
using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Tests.Cuda;

/// <summary>Values against those of cuda.h (13.0).</summary>
public sealed class CuResultTests
{
    /// <summary>What a driver of that version answered.</summary>
    private static readonly (CuResult Status, string Name, string Text)[] Driver =
    [
        .. File.ReadLines(Path.Combine(AppContext.BaseDirectory, "cuda-13.0-results.txt"))
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split('|'))
            .Select(parts => ((CuResult)int.Parse(parts[0], CultureInfo.InvariantCulture), parts[1], parts[2])),
    ];

    [Fact]
    public void Values_names_and_texts_are_all_those_of_the_driver()
    {
        Assert.Equal(Driver.Select(row => row.Status), Enum.GetValues<CuResult>());
        Assert.All(Driver, row => Assert.Equal((row.Name, row.Text), (CuResultNames.Name(row.Status), CuResultNames.Text(row.Status))));
        Assert.Equal("CUDA_ERROR_12345", CuResultNames.Name((CuResult)12345));
    }

    [Fact]
    public void An_error_says_the_call_the_vendors_name_and_the_drivers_text()
    {
        Assert.Equal(
            "cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY (2), out of memory.",
            new CudaException(CuResult.OutOfMemory, "cuMemAlloc").Message
        );
    }

    [Theory]
    [InlineData(220)]
    [InlineData(226)]
    [InlineData(700)]
    [InlineData(719)]
    [InlineData(721)]
    [InlineData(806)]
    [InlineData(810)]
    [InlineData(911)]
    public void A_status_after_which_the_context_answers_nothing_else_is_fatal(int status) =>
        Assert.True(new CudaException((CuResult)status, "x").IsContextFatal);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(46)]
    [InlineData(600)]
    [InlineData(701)]
    [InlineData(720)]
    [InlineData(801)]
    [InlineData(807)]
    [InlineData(900)]
    [InlineData(909)]
    [InlineData(912)]
    public void A_status_after_which_the_next_call_works_is_not(int status) =>
        Assert.False(new CudaException((CuResult)status, "x").IsContextFatal);

    [Fact]
    public void Every_fatal_status_names_its_source()
    {
        Assert.All(FatalResults.Sources, row => Assert.StartsWith("cuda.h 13.0", row.Value, StringComparison.Ordinal));
        Assert.DoesNotContain(CuResult.Success, FatalResults.Sources.Keys);
    }

    [Fact]
    public void Flags_have_the_vendors_values()
    {
        Assert.Equal((0u, 1u), ((uint)CuStreamFlags.Default, (uint)CuStreamFlags.NonBlocking));
        Assert.Equal((0u, 1u, 2u), ((uint)CuEventFlags.Default, (uint)CuEventFlags.BlockingSync, (uint)CuEventFlags.DisableTiming));
        Assert.Equal((0, 1, 2), ((int)CuStreamCaptureMode.Global, (int)CuStreamCaptureMode.ThreadLocal, (int)CuStreamCaptureMode.Relaxed));
        Assert.Equal(
            (0, 1, 2),
            ((int)CuStreamCaptureStatus.None, (int)CuStreamCaptureStatus.Active, (int)CuStreamCaptureStatus.Invalidated)
        );
        Assert.Equal(2ul, (ulong)CuGraphInstantiateFlags.Upload);
        Assert.Equal(
            (1u, 2u, 4u),
            ((uint)CuMemHostAllocFlags.Portable, (uint)CuMemHostAllocFlags.DeviceMap, (uint)CuMemHostAllocFlags.WriteCombined)
        );
        Assert.Equal((75, 76), ((int)CuDeviceAttribute.ComputeCapabilityMajor, (int)CuDeviceAttribute.ComputeCapabilityMinor));
        Assert.Equal(
            (0, 4, 8),
            (
                (int)CuFunctionAttribute.MaxThreadsPerBlock,
                (int)CuFunctionAttribute.NumRegs,
                (int)CuFunctionAttribute.MaxDynamicSharedSizeBytes
            )
        );
        Assert.Equal(
            (2, 3, 8),
            (
                (int)CuGraphExecUpdateResult.TopologyChanged,
                (int)CuGraphExecUpdateResult.NodeTypeChanged,
                (int)CuGraphExecUpdateResult.AttributesChanged
            )
        );
    }
}
