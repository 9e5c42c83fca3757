using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Kernels: named ones with a managed body, and managed objects launched as kernels.</content>
internal sealed partial class EmulatedCudaDriver
{
    private readonly Dictionary<string, ManagedKernelBody> _bodies = new(StringComparer.Ordinal);

    /// <summary>Gives a kernel name its managed body on this driver; images that contain the name load from then on.</summary>
    /// <exception cref="ArgumentException">The name has another body already.</exception>
    public void RegisterKernel(string name, ManagedKernelBody body)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(body);
        lock (_bodies)
        {
            if (!_bodies.TryAdd(name, body) && _bodies[name] != body)
            {
                throw new ArgumentException($"The kernel '{name}' has a managed body already.", nameof(name));
            }
        }
    }

    public CuResult ModuleLoadData(out CuModule module, ReadOnlySpan<byte> image, out string jitLog)
    {
        module = default;
        jitLog = "";
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        var loaded = new EmulatedImage(context);
        lock (_bodies)
        {
            status = KernelImageReader.Read(image, loaded, _bodies, out jitLog);
        }

        if (status != CuResult.Success)
        {
            return status;
        }

        foreach (EmulatedKernel kernel in loaded.Kernels.Values)
        {
            _kernels.Add(kernel);
        }

        module = new CuModule(_images.Add(loaded));
        return CuResult.Success;
    }

    public CuResult ModuleUnload(CuModule module)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_images.Find(module.Value) is not { } image)
        {
            return CuResult.InvalidHandle;
        }

        return UnloadImage(module.Value) ? image.Context.Failure : CuResult.InvalidHandle;
    }

    public CuResult ModuleGetFunction(out CuFunction function, CuModule module, string name)
    {
        function = default;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_images.Find(module.Value) is not { } image)
        {
            return CuResult.InvalidHandle;
        }

        if (string.IsNullOrEmpty(name))
        {
            return CuResult.InvalidValue;
        }

        if (!image.Kernels.TryGetValue(name, out EmulatedKernel? kernel))
        {
            return CuResult.NotFound;
        }

        function = new CuFunction(kernel.Handle);
        return CuResult.Success;
    }

    public CuResult FuncGetAttribute(out int value, CuFunctionAttribute attribute, CuFunction function)
    {
        value = 0;
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_kernels.Find(function.Value) is not { } kernel)
        {
            return CuResult.InvalidHandle;
        }

        EmulatedDeviceOptions options = kernel.Image.Context.Device.Options;
        int? known = attribute switch
        {
            CuFunctionAttribute.MaxThreadsPerBlock => 1024,
            CuFunctionAttribute.SharedSizeBytes => 0,
            CuFunctionAttribute.ConstSizeBytes => 0,
            CuFunctionAttribute.LocalSizeBytes => 0,
            CuFunctionAttribute.NumRegs => 16,
            CuFunctionAttribute.PtxVersion => kernel.Image.PtxTarget,
            CuFunctionAttribute.BinaryVersion => (options.ComputeMajor * 10) + options.ComputeMinor,
            CuFunctionAttribute.MaxDynamicSharedSizeBytes => kernel.MaxDynamicSharedBytes,
            _ => null,
        };
        value = known.GetValueOrDefault();
        return known is null ? CuResult.InvalidValue : CuResult.Success;
    }

    public CuResult FuncSetAttribute(CuFunction function, CuFunctionAttribute attribute, int value)
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_kernels.Find(function.Value) is not { } kernel)
        {
            return CuResult.InvalidHandle;
        }

        if (attribute != CuFunctionAttribute.MaxDynamicSharedSizeBytes || value < 0 || value > 227 << 10)
        {
            return CuResult.InvalidValue;
        }

        kernel.MaxDynamicSharedBytes = value;
        return CuResult.Success;
    }

    public CuResult LaunchKernel(
        CuFunction function,
        Dim3 grid,
        Dim3 block,
        uint sharedBytes,
        CuStream stream,
        ReadOnlySpan<byte> arguments,
        ReadOnlySpan<int> argumentSizes
    )
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_kernels.Find(function.Value) is not { } kernel)
        {
            return CuResult.InvalidHandle;
        }

        if (kernel.Image.Context != found.Context)
        {
            return CuResult.InvalidHandle;
        }

        if (found.Capture is { IsInvalidated: true })
        {
            return CuResult.StreamCaptureInvalidated;
        }

        if (!IsLaunchable(kernel, grid, block, sharedBytes) || !kernel.Accepts(arguments, argumentSizes))
        {
            return found.Capture is { } capture ? InvalidateWith(capture, CuResult.InvalidValue) : CuResult.InvalidValue;
        }

        status = _faults.Apply(EmulatedFaultKind.RefusedLaunch, found.Context.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_execution.RunsAtEnqueue && found.Capture is null)
        {
            lock (found.Gate)
            {
                found.Scratch.Assign(kernel, grid, block, sharedBytes, arguments);
                return _execution.Submit(found, new StreamCommand { Kind = CommandKind.Kernel, Subject = found.Scratch });
            }
        }

        var launch = new KernelLaunch();
        launch.Assign(kernel, grid, block, sharedBytes, arguments);
        return Enqueue(found, new StreamCommand { Kind = CommandKind.Kernel, Subject = launch });
    }

    public CuResult LaunchManaged(CuStream stream, ManagedKernel kernel)
    {
        CuResult status = EnterStream(stream, out EmulatedStream? found);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (kernel is null)
        {
            return CuResult.InvalidValue;
        }

        status = _faults.Apply(EmulatedFaultKind.RefusedLaunch, found.Context.Device);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_execution.RunsAtEnqueue && found.Capture is null)
        {
            return _execution.Submit(found, new StreamCommand { Kind = CommandKind.Managed, Subject = kernel });
        }

        return Enqueue(
            found,
            new StreamCommand
            {
                Kind = CommandKind.Managed,
                Subject = kernel,
                Accesses = kernel.Accesses.ToArray(),
            }
        );
    }

    private static bool IsLaunchable(EmulatedKernel kernel, Dim3 grid, Dim3 block, uint sharedBytes)
    {
        if (grid.X == 0 || grid.Y == 0 || grid.Z == 0 || block.X == 0 || block.Y == 0 || block.Z == 0)
        {
            return false;
        }

        if (grid.X > int.MaxValue || grid.Y > ushort.MaxValue || grid.Z > ushort.MaxValue || block.Z > 64)
        {
            return false;
        }

        return (ulong)block.X * block.Y * block.Z <= 1024 && sharedBytes <= (uint)kernel.MaxDynamicSharedBytes;
    }

    private bool UnloadImage(nint handle)
    {
        if (_images.Remove(handle) is not { } image)
        {
            return false;
        }

        foreach (EmulatedKernel kernel in image.Kernels.Values)
        {
            _kernels.Remove(kernel.Handle);
        }

        return true;
    }
}
