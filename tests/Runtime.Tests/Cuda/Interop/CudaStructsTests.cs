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
        Assert.Equal(8, sizeof(CUmemLocation));
        Assert.Equal(12, sizeof(CUmemAccessDesc));
        Assert.Equal(88, sizeof(CUmemPoolProps));
        Assert.Equal(24, sizeof(CUgraphExecUpdateResultInfo));
        Assert.Equal(8, sizeof(CuStream));
        Assert.Equal(8, sizeof(DevicePointer));
        Assert.Equal(4, sizeof(CuDevice));
    }

    [Theory]
    [InlineData(typeof(CUmemPoolProps), "location", 8)]
    [InlineData(typeof(CUmemPoolProps), "win32SecurityAttributes", 16)]
    [InlineData(typeof(CUmemPoolProps), "maxSize", 24)]
    [InlineData(typeof(CUmemPoolProps), "usage", 32)]
    [InlineData(typeof(CUmemAccessDesc), "flags", 8)]
    [InlineData(typeof(CUgraphExecUpdateResultInfo), "errorNode", 8)]
    [InlineData(typeof(CUgraphExecUpdateResultInfo), "errorFromNode", 16)]
    public void Fields_have_the_offsets_of_the_header(Type type, string field, int offset) =>
        Assert.Equal(offset, Marshal.OffsetOf(type, field).ToInt32());

    [Theory]
    [InlineData(CuMemPoolAttribute.ReleaseThreshold, 4)]
    [InlineData(CuMemPoolAttribute.UsedMemHigh, 8)]
    public void Pool_attributes_have_the_values_of_the_header(object attribute, int value) =>
        Assert.Equal(value, (int)(CuMemPoolAttribute)attribute);
}
