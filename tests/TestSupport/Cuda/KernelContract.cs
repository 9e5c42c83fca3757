using System.Text;
using Troupe.Runtime.Cuda;
using Xunit;

namespace Troupe.TestSupport.Cuda;

/// <summary>Kernel images, their functions and launches.</summary>
public abstract class KernelContract<TFixture> : DriverContract<TFixture>
    where TFixture : DriverFixture, new()
{
    [Fact]
    public void A_kernel_computes()
    {
        using ContractDevice device = Open();
        CuStream stream = device.Stream();
        CuFunction add = device.Function(ContractKernels.Add);
        DevicePointer left = device.Memory(1000 * 4);
        DevicePointer right = device.Memory(1000 * 4);
        DevicePointer sum = device.Memory(1000 * 4);
        device.Upload(left, [.. Enumerable.Range(0, 1000).Select(i => (float)i)]);
        device.Upload(right, [.. Enumerable.Range(0, 1000).Select(i => 2f * i)]);
        ContractDevice.Ok(device.LaunchAdd(add, stream, sum, left, right, 1000));
        device.Finish(stream);
        Assert.Equal(Enumerable.Range(0, 1000).Select(i => 3f * i), device.Download<float>(sum, 1000));
    }

    [Theory]
    [InlineData("garbage", CuResult.InvalidImage)]
    [InlineData("", CuResult.InvalidImage)]
    [InlineData("\u007fELF", CuResult.InvalidImage)]
    [InlineData(".version 99.0\n.target sm_50\n.address_size 64\n", CuResult.UnsupportedPtxVersion)]
    [InlineData(".version 6.0\n.address_size 64\n.visible .entry fill_u32(){ret;}", CuResult.InvalidPtx)]
    [InlineData(".version 6.0\n.target sm_50\n.address_size 64\n.visible .entry fill_u32(){ret;", CuResult.InvalidPtx)]
    public void A_bad_image_is_refused_and_the_next_good_one_loads(string image, CuResult expected)
    {
        using ContractDevice device = Open();
        byte[] bytes = new byte[256];
        Encoding.ASCII.GetBytes(image, bytes);
        Assert.Equal(expected, device.Driver.ModuleLoadData(out _, bytes, out _));
        device.Function(ContractKernels.Fill);
    }

    [Fact]
    public void A_refused_image_comes_with_the_compilers_text()
    {
        using ContractDevice device = Open();
        byte[] image = Encoding.ASCII.GetBytes(
            ".version 6.0\n.target sm_50\n.address_size 64\n.visible .entry unheard_of(){ nonsense; }\n\0"
        );
        Assert.Equal(CuResult.InvalidPtx, device.Driver.ModuleLoadData(out _, image, out string? log));
        Assert.NotEmpty(log);
    }

    [Fact]
    public void A_name_that_is_not_in_the_image_is_not_found()
    {
        using ContractDevice device = Open();
        ContractDevice.Ok(device.Driver.ModuleLoadData(out CuModule module, ContractKernels.Ptx, out _));
        Assert.Equal(CuResult.NotFound, device.Driver.ModuleGetFunction(out _, module, "nobody"));
        ContractDevice.Ok(device.Driver.ModuleUnload(module));
    }

    [Fact]
    public void Launches_that_do_not_fit_are_invalid_values()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        byte[] arguments = new byte[16];
        Assert.Equal(CuResult.InvalidValue, Launch(new Dim3(0), new Dim3(1), 0));
        Assert.Equal(CuResult.InvalidValue, Launch(new Dim3(1), new Dim3(0), 0));
        Assert.Equal(CuResult.InvalidValue, Launch(new Dim3(1), new Dim3(2048), 0));
        Assert.Equal(CuResult.InvalidValue, Launch(new Dim3(1, 70000), new Dim3(1), 0));
        Assert.Equal(CuResult.InvalidValue, Launch(new Dim3(1), new Dim3(1), 50000));
        Assert.Equal(CuResult.InvalidHandle, driver.LaunchKernel(default, new Dim3(1), new Dim3(1), 0, stream, arguments, [8, 4, 4]));
        device.Finish(stream);

        CuResult Launch(Dim3 grid, Dim3 block, uint shared) => driver.LaunchKernel(fill, grid, block, shared, stream, arguments, [8, 4, 4]);
    }

    [Fact]
    public void Functions_tell_their_attributes_and_take_a_shared_memory_limit()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(driver.FuncGetAttribute(out int threads, CuFunctionAttribute.MaxThreadsPerBlock, fill));
        Assert.Equal(1024, threads);
        ContractDevice.Ok(driver.FuncGetAttribute(out int ptx, CuFunctionAttribute.PtxVersion, fill));
        Assert.Equal(50, ptx);
        ContractDevice.Ok(driver.FuncGetAttribute(out int registers, CuFunctionAttribute.NumRegs, fill));
        Assert.True(registers > 0);
        ContractDevice.Ok(driver.FuncSetAttribute(fill, CuFunctionAttribute.MaxDynamicSharedSizeBytes, 40000));
        ContractDevice.Ok(driver.FuncGetAttribute(out int shared, CuFunctionAttribute.MaxDynamicSharedSizeBytes, fill));
        Assert.Equal(40000, shared);
        Assert.Equal(CuResult.InvalidValue, driver.FuncSetAttribute(fill, CuFunctionAttribute.MaxDynamicSharedSizeBytes, 1 << 20));
        Assert.Equal(CuResult.InvalidValue, driver.FuncSetAttribute(fill, CuFunctionAttribute.MaxThreadsPerBlock, 1));
        Assert.Equal(CuResult.InvalidValue, driver.FuncGetAttribute(out _, (CuFunctionAttribute)99, fill));
    }

    [Fact]
    public void Arguments_are_copied_when_the_launch_is_enqueued()
    {
        using ContractDevice device = Open();
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        DevicePointer values = device.Memory(4);
        byte[] arguments = new byte[16];
        BitConverter.TryWriteBytes(arguments, values.Address);
        BitConverter.TryWriteBytes(arguments.AsSpan(8), 3u);
        BitConverter.TryWriteBytes(arguments.AsSpan(12), 1u);
        using var gate = new GateFunction();
        gate.Blocks(device, stream);
        ContractDevice.Ok(driver.LaunchKernel(fill, new Dim3(1), new Dim3(32), 0, stream, arguments, [8, 4, 4]));
        Array.Clear(arguments);
        gate.Open();
        device.Finish(stream);
        Assert.Equal([3u], device.Download<uint>(values, 1));
    }

    [Fact]
    public void A_kernel_reaches_an_enabled_peer()
    {
        using ContractDevice device = Open(devices: 2);
        ICudaDriver driver = device.Driver;
        CuStream stream = device.Stream();
        CuFunction fill = device.Function(ContractKernels.Fill);
        ContractDevice.Ok(driver.DeviceGet(out CuDevice other, 1));
        ContractDevice.Ok(driver.DeviceCanAccessPeer(out bool canAccess, device.Device, other));
        Assert.SkipUnless(canAccess, "The two devices cannot reach each other.");
        ContractDevice.Ok(driver.DevicePrimaryCtxRetain(out CuContext peer, other));
        ContractDevice.Ok(driver.CtxEnablePeerAccess(peer));
        ContractDevice.Ok(driver.CtxPushCurrent(peer));
        ContractDevice.Ok(driver.MemAlloc(out DevicePointer there, 16));
        ContractDevice.Ok(driver.CtxPopCurrent(out _));
        ContractDevice.Ok(device.LaunchFill(fill, stream, there, 4, 4));
        device.Finish(stream);
        Assert.Equal([4u, 4u, 4u, 4u], device.Download<uint>(there, 4));
        ContractDevice.Ok(driver.MemFree(there));
        ContractDevice.Ok(driver.CtxDisablePeerAccess(peer));
        ContractDevice.Ok(driver.DevicePrimaryCtxRelease(other));
    }
}
