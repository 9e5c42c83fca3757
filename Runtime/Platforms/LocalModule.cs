using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Scopes;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Platforms;

/// <summary>A module in this process, called by any number of threads; mode scopes are entered on it
/// (<c>using var scope = module.EnableCudaGraphs();</c>).</summary>
/// <remarks><b>Owns</b> its instance. <b>Thread</b> any. <b>Blocks</b> a caller while all lanes are at work, and until its own results are
/// there.</remarks>
public sealed class LocalModule : IModeTarget, IDisposable
{
    private readonly LocalRuntime _runtime;
    private readonly ModuleSource _source;
    private readonly int? _device;
    private readonly InstanceOptions _options;
    private readonly Lock _setup = new();
    private readonly Lock _exclusive = new();
    private readonly SemaphoreSlim _lanes;
    private ModuleInstance? _instance;
    private volatile bool _isUnloaded;

    internal LocalModule(LocalRuntime runtime, ModuleSource source, int? device, InstanceOptions options)
    {
        _runtime = runtime;
        _source = source;
        _device = device;
        _options = options with { MaxLanes = Math.Max(1, options.MaxLanes) };
        _lanes = new SemaphoreSlim(_options.MaxLanes);
    }

    public string Name => _source.Model.Name;

    public RuntimeModes Modes => _runtime.Modes;

    /// <summary>False while a lazily loaded module has not been set up.</summary>
    public bool IsSetUp => Volatile.Read(ref _instance) is not null;

    /// <summary>Tensors and segments.</summary>
    /// <exception cref="ForwardException">The module is not set up.</exception>
    public ModuleSpec Spec => Instance.Module;

    public ModuleTraits Traits => Instance.Traits;

    /// <summary>What it has done so far.</summary>
    public InstanceCounts Counts => Instance.Counters.Snapshot();

    public long WeightBudgetBytes => Instance.Engines.Sum(engine => engine.StreamableWeights?.Budget ?? 0);

    public long AutomaticWeightBudgetBytes => Instance.Engines.Sum(engine => engine.StreamableWeights?.AutomaticBudget ?? 0);

    internal ModuleInstance Instance =>
        Volatile.Read(ref _instance)
        ?? throw new ForwardException(
            FailureKind.ModelNotLoaded,
            _isUnloaded
                ? $"The module '{Name}' is unloaded."
                : $"The module '{Name}' is loaded lazily and not set up yet: call Setup first."
        );

    /// <summary>Loads the engines now; a second time does nothing (seed: <c>setup_engine</c>).</summary>
    /// <exception cref="ModuleLoadException">The model is refused.</exception>
    public void Setup()
    {
        lock (_setup)
        {
            ObjectDisposedException.ThrowIf(_isUnloaded, this);
            if (_instance is null)
            {
                Volatile.Write(ref _instance, _runtime.Platform.LoadInstance(_source, _device, _options, CancellationToken.None));
                Modes.Register(this);
            }
        }
    }

    /// <summary>One forward on host tensors, under the modes in force; waits for the results, which own their bytes.</summary>
    /// <param name="inputs">In any order, matched by name.</param>
    /// <returns>The outputs in the module's order.</returns>
    /// <exception cref="ForwardException">The inputs do not fit, the modes contradict each other, or it failed.</exception>
    public Tensor[] Forward(params ReadOnlySpan<Tensor> inputs)
    {
        AdmittedModes admitted = Admitted();
        RefuseHostTensorsThatWouldBeWritten();
        HostLane lane = Lease();
        try
        {
            lane.Submit(inputs, [], admitted.Settings, static () => { });
            LaneStatus status;
            do
            {
                lane.WaitUntilDone();
                status = lane.Poll(0);
            } while (status == LaneStatus.Pending);

            return status == LaneStatus.Succeeded ? lane.TakeOutputs(0) : throw lane.FailureOf(0);
        }
        finally
        {
            GiveBack(lane);
            Modes.Finished(this, admitted);
        }
    }

    /// <summary>One forward on device tensors. Returns when it is enqueued and ordered against the caller's stream; the outputs are the
    /// caller's.</summary>
    internal void Forward(ReadOnlySpan<DeviceTensor> inputs, Span<DeviceTensor> outputs, CallerStream caller)
    {
        AdmittedModes admitted = Admitted();
        HostLane lane = Lease();
        try
        {
            ForwardException? former = lane.Lane.Failure.Remove();
            lane.Lane.Completed(succeeded: former is null);
            if (former is { IsShapeContradiction: true })
            {
                // Its outputs had been handed out; the right shapes are known from now on.
                lane.Lane.DropContexts();
            }

            lane.Forward(inputs, outputs, admitted.Settings, caller);
        }
        finally
        {
            GiveBack(lane);
            Modes.Finished(this, admitted);
        }
    }

    /// <summary>A tensor on the module's device, for a caller that works on <paramref name="stream"/>.</summary>
    internal DeviceTensor Upload(Tensor tensor, DeviceStream stream)
    {
        if (tensor.Type == ElementType.Bytes)
        {
            throw new ForwardException(
                FailureKind.NotSupported,
                $"The tensor '{tensor.Name}' is of type BYTES, which lies in host memory and on no device."
            );
        }

        DeviceBlock block = Instance.HomePool.Rent((ulong)tensor.Data.Length, stream);
        using ContextEntry entry = Instance.HomePool.Device.Enter();
        CopyIn(block, tensor.Data.Span, stream);
        return new DeviceTensor(tensor.Type, tensor.Shape, block);
    }

    /// <summary>The bytes of a tensor, behind everything on <paramref name="stream"/>.</summary>
    internal byte[] Download(in DeviceTensor tensor, DeviceStream stream)
    {
        using ContextEntry entry = Instance.HomePool.Device.Enter();
        stream.Synchronize();
        byte[] bytes = new byte[tensor.Bytes];
        CopyOut(bytes, tensor);
        return bytes;
    }

    public void Apply(ModeSettings settings) => Exclusively(instance => instance.Apply(settings));

    public void WarmUp(ModeSettings settings) => Exclusively(instance => instance.WarmUp(settings));

    public void FreeAllBut(HeldModes held) => Exclusively(instance => instance.FreeAllBut(held));

    /// <summary>Ends work in flight and frees everything.</summary>
    public void Dispose()
    {
        lock (_setup)
        {
            _isUnloaded = true;
            if (_instance is null)
            {
                return;
            }

            Modes.Unregister(this);
            Exclusively(instance =>
            {
                // Before callers who wait for a lane go on: they find the module unloaded.
                Volatile.Write(ref _instance, null);
                instance.Dispose();
            });
        }
    }

    private AdmittedModes Admitted()
    {
        _ = Instance;
        AdmittedModes admitted = Modes.Admit(this);
        return admitted.Refusal is { } refusal ? throw new ForwardException(refusal.Kind, refusal.Reason) : admitted;
    }

    private void RefuseHostTensorsThatWouldBeWritten()
    {
        if (Traits.AliasedOutput is { } output)
        {
            throw new ForwardException(
                FailureKind.InvalidInput,
                $"The module '{Name}' writes '{output}' in place of an input; a host tensor would be copied and the write lost. Call it with device tensors."
            );
        }
    }

    private HostLane Lease()
    {
        _lanes.Wait();
        try
        {
            return Instance.Lease();
        }
        catch
        {
            _lanes.Release();
            throw;
        }
    }

    private void GiveBack(HostLane lane)
    {
        lane.Dispose();
        _lanes.Release();
    }

    /// <summary>Holds off every caller, waits for the work in flight, acts.</summary>
    private void Exclusively(Action<ModuleInstance> act)
    {
        lock (_exclusive)
        {
            ModuleInstance instance = Instance;
            for (int lane = 0; lane < _options.MaxLanes; lane++)
            {
                _lanes.Wait();
            }

            try
            {
                instance.WaitUntilIdle();
                act(instance);
            }
            finally
            {
                _lanes.Release(_options.MaxLanes);
            }
        }
    }

    private static unsafe void CopyIn(DeviceBlock block, ReadOnlySpan<byte> bytes, DeviceStream stream)
    {
        stream.Synchronize();
        if (bytes.Length > 0)
        {
            // SAFETY: a synchronous copy of a pinned range.
            fixed (byte* source = bytes)
            {
                block.Pool.Device.Driver.MemcpyHtoD(block.Pointer, (nint)source, (ulong)bytes.Length).ThrowIfFailed();
            }
        }
    }

    private static unsafe void CopyOut(Span<byte> bytes, in DeviceTensor tensor)
    {
        if (bytes.Length > 0)
        {
            // SAFETY: a synchronous copy into a pinned range of exactly the tensor's size.
            fixed (byte* target = bytes)
            {
                tensor.Block.Pool.Device.Driver.MemcpyDtoH((nint)target, tensor.Pointer, (ulong)bytes.Length).ThrowIfFailed();
            }
        }
    }
}
