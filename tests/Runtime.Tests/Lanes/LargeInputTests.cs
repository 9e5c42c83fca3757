using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Cuda;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>Inputs that take long to copy: in parts, so that host and device copy at the same time.</summary>
public sealed class LargeInputTests
{
    private const int Mebibyte = 1 << 20;

    [Fact]
    public void The_device_takes_a_part_of_a_large_input_before_the_host_has_copied_the_next()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(
            new EmulatedDriverOptions { Policy = ExecutionPolicy.Deferred },
            wrap: driver => counting = new CountingDriver(driver)
        );
        ModuleInstance instance = bench.Load(TinyModels.Scale(2));
        Workbench.Forward(instance, Filled(1, (5 * Mebibyte / 2) + 16));
        var parts = new List<(ulong Bytes, byte Own, byte Next)>();
        counting!.OnCopyIn = (source, bytes) =>
            parts.Add((bytes, Marshal.ReadByte(source, (int)bytes - 1), Marshal.ReadByte(source, (int)bytes)));

        Tensor y = Workbench.Forward(instance, Filled(2, (5 * Mebibyte / 2) + 16))[0];

        Assert.All(Workbench.Floats(y), value => Assert.Equal(2 * Value(2), value));
        Assert.Equal([Mebibyte, Mebibyte, (ulong)(Mebibyte / 2) + 16], parts.Select(part => part.Bytes));
        Assert.Equal([2, 2, 2], parts.Select(part => part.Own));
        Assert.Equal([1, 1], parts[..2].Select(part => part.Next));
    }

    [Theory]
    [InlineData(ExecutionPolicy.Deferred, Mebibyte)]
    [InlineData(ExecutionPolicy.Inline, 3 * Mebibyte)]
    public void An_input_that_gains_nothing_by_parts_is_copied_at_once(object policy, int bytes)
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(
            new EmulatedDriverOptions { Policy = (ExecutionPolicy)policy },
            wrap: driver => counting = new CountingDriver(driver)
        );
        ModuleInstance instance = bench.Load(TinyModels.Scale(2));
        Workbench.Forward(instance, Filled(3, bytes));
        Assert.Equal([(ulong)bytes], counting!.Take().Copied(CopyKind.ToDevice));
    }

    private static Tensor Filled(byte value, int bytes)
    {
        byte[] data = new byte[bytes];
        data.AsSpan().Fill(value);
        return new Tensor("x", ElementType.Fp32, new TensorShape(bytes / 16, 4), data);
    }

    private static float Value(byte value) => BitConverter.ToSingle([value, value, value, value]);
}
