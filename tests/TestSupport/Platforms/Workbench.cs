using System.Runtime.InteropServices;
using System.Text;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Xunit;

namespace Troupe.TestSupport.Platforms;

/// <summary>Emulated devices for one test, with a folder for its models; when the test ends, nothing may be left on the devices.</summary>
internal sealed class Workbench : IDisposable
{
    private readonly List<IDisposable> _owned = [];

    /// <param name="wrap">What the platform sees in place of the driver itself.</param>
    public Workbench(EmulatedDriverOptions? options = null, BackendCatalogue? backends = null, Func<ICudaDriver, ICudaDriver>? wrap = null)
    {
        Driver = new EmulatedCudaDriver((options ?? new EmulatedDriverOptions()) with { Strict = options?.Strict ?? true });
        Platform = new Platform(wrap?.Invoke(Driver) ?? Driver, backends ?? StandardBackends.Catalogue);
    }

    public EmulatedCudaDriver Driver { get; }

    /// <summary>The in-process runtime over the same devices.</summary>
    public LocalRuntime Local => field ??= new LocalRuntime(Platform);

    public Platform Platform { get; }

    public ModuleFolder Folder { get; } = new();

    public static Workbench WithDevices(int count) => new(EmulatedDriverOptions.WithDevices(count));

    /// <summary>Loads a file that was written to <see cref="Folder"/>.</summary>
    public ModuleInstance Load(string path, int home = 0, int lanes = 2, long maxOutput = long.MaxValue)
    {
        ModuleInstance instance = LoadFree(path, home, lanes, maxOutput);
        _owned.Add(instance);
        return instance;
    }

    /// <summary>As <see cref="Load(string, int, int, long)"/>, for somebody else to dispose.</summary>
    public ModuleInstance LoadFree(string path, int home = 0, int lanes = 2, long maxOutput = long.MaxValue) =>
        Platform.LoadInstance(
            new ModuleSource(new ModelReference("m", 1), path),
            home,
            new InstanceOptions(lanes) { MaxOutputBytes = maxOutput },
            CancellationToken.None
        );

    public ModuleInstance Load(TinyOnnx model, int home = 0, int lanes = 2, long maxOutput = long.MaxValue) =>
        Load(Folder.Write($"{Guid.NewGuid():N}.onnx", model), home, lanes, maxOutput);

    /// <summary>Loads an in-process module with one lane, so that counts are exact, unless told otherwise.</summary>
    public LocalModule Open(string path, int device = 0, int lanes = 1) => Keep(Local.Load(path, device, lanes));

    /// <summary>Unloads the module at the end of the test.</summary>
    public LocalModule Keep(LocalModule module)
    {
        _owned.Add(module);
        return module;
    }

    public LocalModule Open(TinyOnnx model, int device = 0, int lanes = 1) =>
        Open(Folder.Write($"{Guid.NewGuid():N}.onnx", model), device, lanes);

    /// <summary>One forward through a leased lane, to its end.</summary>
    public static Tensor[] Forward(IModuleInstance instance, params Tensor[] inputs) => Forward(instance, ModeSettings.Default, inputs);

    public static Tensor[] Forward(IModuleInstance instance, ModeSettings settings, params Tensor[] inputs)
    {
        Assert.True(instance.TryLease(out ILane lane), "No lane is idle.");
        using (lane)
        {
            return Finish(lane, inputs, settings);
        }
    }

    public static Tensor[] Finish(ILane lane, Tensor[] inputs, ModeSettings? settings = null)
    {
        int woken = 0;
        lane.Submit([new LaneForward(inputs, [])], settings ?? ModeSettings.Default, () => Interlocked.Increment(ref woken));
        Lane inner = ((HostLane)lane).Lane;
        LaneStatus status;
        do
        {
            using (inner.Home.Context.Enter())
            {
                inner.Home.Context.Driver.StreamSynchronize(inner.Home.Own.Handle);
            }

            status = lane.Poll(0);
        } while (status == LaneStatus.Pending);

        Assert.True(status == LaneStatus.Failed || Volatile.Read(ref woken) > 0, "The lane did not wake its holder.");
        return status == LaneStatus.Succeeded ? lane.TakeOutputs(0) : throw lane.FailureOf(0);
    }

    public static Tensor Floats(string name, long[] shape, params float[] values) =>
        new(name, ElementType.Fp32, new TensorShape(shape), MemoryMarshal.AsBytes<float>(values).ToArray());

    public static Tensor Longs(string name, long[] shape, params long[] values) =>
        new(name, ElementType.Int64, new TensorShape(shape), MemoryMarshal.AsBytes<long>(values).ToArray());

    /// <summary>A tensor of strings, each behind its length.</summary>
    public static Tensor Strings(string name, long[] shape, params byte[][] values) =>
        new(name, ElementType.Bytes, new TensorShape(shape), values.SelectMany(value => BytesElements.Single(value)).ToArray());

    public static Tensor Strings(string name, long[] shape, params string[] values) =>
        Strings(name, shape, [.. values.Select(Encoding.UTF8.GetBytes)]);

    /// <summary>The strings of a tensor as text.</summary>
    public static string[] Strings(Tensor tensor)
    {
        var values = new List<string>();
        var strings = new BytesElements(tensor.Data.Span);
        while (strings.Next() == BytesStep.Element)
        {
            values.Add(Encoding.UTF8.GetString(strings.Current));
        }

        return [.. values];
    }

    public static float[] Floats(Tensor tensor) => MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();

    public static long[] Longs(Tensor tensor) => MemoryMarshal.Cast<byte, long>(tensor.Data.Span).ToArray();

    public void Dispose()
    {
        for (int index = _owned.Count - 1; index >= 0; index--)
        {
            _owned[index].Dispose();
        }

        Folder.Dispose();
        IReadOnlyList<string> alive = Driver.Alive();
        Platform.Dispose();
        Assert.True(alive.Count == 0, string.Join(Environment.NewLine, [.. alive, .. Driver.Reports]));
    }
}
