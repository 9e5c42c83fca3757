using System.Runtime.InteropServices;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Interop;

namespace Troupe.Runtime.Tests.Cuda.Interop;

/// <summary>Layouts against those a C compiler gives cuda.h of CUDA 13.0 on x86-64.</summary>
public sealed class CudaStructsTests
{
    [Fact]
    public unsafe void Structs_have_the_sizes_of_the_header()
    {
        Assert.Equal(24, sizeof(CUgraphExecUpdateResultInfo));
        Assert.Equal(8, sizeof(CuStream));
        Assert.Equal(8, sizeof(DevicePointer));
        Assert.Equal(4, sizeof(CuDevice));
    }

    [Theory]
    [InlineData(typeof(CUgraphExecUpdateResultInfo), "errorNode", 8)]
    [InlineData(typeof(CUgraphExecUpdateResultInfo), "errorFromNode", 16)]
    public void Fields_have_the_offsets_of_the_header(Type type, string field, int offset) =>
        Assert.Equal(offset, Marshal.OffsetOf(type, field).ToInt32());
}
