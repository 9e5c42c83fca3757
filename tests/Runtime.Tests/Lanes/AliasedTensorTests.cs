using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>A cache that each call adds to in place: the caller's memory is written once per call, whatever the modes.</summary>
public sealed class AliasedTensorTests
{
    [Theory, Trait("row", "AL-03"), Trait("row", "AL-10")]
    [InlineData(CudaGraphsMode.Off)]
    [InlineData(CudaGraphsMode.PerSegment)]
    [InlineData(CudaGraphsMode.WholeModule)]
    public void Every_call_adds_exactly_once(CudaGraphsMode graphs)
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder));
        using EnteredMode scope = module.Modes.Enter([module], new ModeChange { CudaGraphs = graphs });
        using var device = new DeviceCaller(bench, module);
        DeviceTensor cache = device.Upload(Workbench.Floats("cache", [64], new float[64]));
        float expected = 0;
        foreach (float x in new float[] { 1, 5, 0, 2 })
        {
            expected += x;
            DeviceTensor step = device.Upload(Workbench.Floats("x", [1], x));
            Assert.Equal([64 * expected], device.Floats(device.Call(cache, step)[0]));
            Assert.Equal(Enumerable.Repeat(expected, 64), device.Floats(cache));
            step.Return();
        }

        Assert.Equal(graphs == CudaGraphsMode.Off ? 0 : 1, module.Counts.Captures);
    }

    [Fact, Trait("row", "AL-08")]
    public void Another_cache_of_the_same_shape_is_updated_and_the_first_left_alone()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder));
        using EnteredMode scope = module.EnableCudaGraphs();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor first = device.Upload(Workbench.Floats("cache", [64], new float[64])),
            second = device.Upload(Workbench.Floats("cache", [64], new float[64]));
        DeviceTensor one = device.Upload(Workbench.Floats("x", [1], 1));
        device.Call(first, one);
        Assert.Equal([64f], device.Floats(device.Call(second, one)[0]));
        Assert.Equal([128f], device.Floats(device.Call(first, one)[0]));
        Assert.Equal(1f, device.Floats(second)[0]);
        Assert.Equal(2, module.Counts.Captures);
    }

    [Fact, Trait("row", "PA-11")]
    public void Pre_allocated_outputs_leave_engines_that_write_in_place_alone()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModules.Cache(bench.Folder));
        using EnteredMode scope = module.EnablePreAllocatedOutputs();
        using var device = new DeviceCaller(bench, module);
        DeviceTensor cache = device.Upload(Workbench.Floats("cache", [64], new float[64])),
            one = device.Upload(Workbench.Floats("x", [1], 1));
        DeviceTensor[] totals = [device.Call(cache, one)[0], device.Call(cache, one)[0], device.Call(cache, one)[0]];
        Assert.Equal([64f, 128, 192], totals.Select(total => device.Floats(total)[0]));
        Assert.Equal(0, module.Instance.Lanes[0].Lane.KeptOutputs);
    }

    [Fact]
    public void Such_a_module_is_not_safe_to_send_again()
    {
        using var bench = new Workbench();
        Assert.False(bench.Load(TinyModules.Cache(bench.Folder)).Module.SafeToResend);
    }

    [Fact]
    public void Through_the_host_the_callers_bytes_stay_as_they_were()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModules.Cache(bench.Folder));
        Tensor cache = Workbench.Floats("cache", [64], new float[64]);
        for (int call = 0; call < 3; call++)
        {
            Assert.Equal([320f], Workbench.Floats(Workbench.Forward(instance, cache, Workbench.Floats("x", [1], 5))[0]));
        }

        Assert.All(Workbench.Floats(cache), value => Assert.Equal(0, value));
    }
}
