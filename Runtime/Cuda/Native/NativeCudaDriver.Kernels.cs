using Troupe.Runtime.Cuda.Interop;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Cuda.Native;

// SAFETY, for every method here: results are pinned locals of the caller, everything else is passed by value and checked by the driver.

/// <content>Devices, kernels and their images.</content>
internal sealed unsafe partial class NativeCudaDriver
{
    public CuResult DeviceGetCount(out int count)
    {
        fixed (int* countResult = &count)
        {
            return _api.cuDeviceGetCount(countResult);
        }
    }

    public CuResult DeviceGet(out CuDevice device, int ordinal)
    {
        fixed (CuDevice* deviceResult = &device)
        {
            return _api.cuDeviceGet(deviceResult, ordinal);
        }
    }

    public CuResult DeviceTotalMem(out ulong bytes, CuDevice device)
    {
        fixed (ulong* bytesResult = &bytes)
        {
            return _api.cuDeviceTotalMem(bytesResult, device);
        }
    }

    public CuResult DeviceGetAttribute(out int value, CuDeviceAttribute attribute, CuDevice device)
    {
        fixed (int* valueResult = &value)
        {
            return _api.cuDeviceGetAttribute(valueResult, attribute, device);
        }
    }

    public CuResult ModuleUnload(CuModule module) => _api.cuModuleUnload(module);

    public CuResult FuncGetAttribute(out int value, CuFunctionAttribute attribute, CuFunction function)
    {
        fixed (int* valueResult = &value)
        {
            return _api.cuFuncGetAttribute(valueResult, attribute, function);
        }
    }

    public CuResult FuncSetAttribute(CuFunction function, CuFunctionAttribute attribute, int value) =>
        _api.cuFuncSetAttribute(function, attribute, value);

    public CuResult DeviceGetName(out string name, CuDevice device)
    {
        byte* buffer = stackalloc byte[256];
        CuResult status = _api.cuDeviceGetName(buffer, 256, device);
        name = status == CuResult.Success ? Text(buffer) : "";
        return status;
    }

    public CuResult DeviceGetUuid(out Guid uuid, CuDevice device)
    {
        byte* bytes = stackalloc byte[16];
        CuResult status = _api.cuDeviceGetUuid(bytes, device);
        uuid = status == CuResult.Success ? new Guid(new ReadOnlySpan<byte>(bytes, 16), bigEndian: true) : default;
        return status;
    }

    public CuResult DeviceCanAccessPeer(out bool canAccess, CuDevice device, CuDevice peer)
    {
        int answer = 0;
        CuResult status = _api.cuDeviceCanAccessPeer(&answer, device, peer);
        canAccess = answer != 0;
        return status;
    }

    public CuResult ModuleLoadData(out CuModule module, ReadOnlySpan<byte> image, out string jitLog)
    {
        const int logBytes = 8192;
        byte[] terminated = new byte[image.Length + 1]; // PTX is text and ends with a NUL byte; a cubin does not mind one more.
        image.CopyTo(terminated);
        byte[] log = new byte[logBytes];
        fixed (CuModule* moduleResult = &module)
        fixed (
            byte* pinned = terminated,
                logResult = log
        )
        {
            CUjit_option* options = stackalloc CUjit_option[]
            {
                CUjit_option.CU_JIT_ERROR_LOG_BUFFER,
                CUjit_option.CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
            };
            void** values = stackalloc void*[] { logResult, (void*)logBytes };
            CuResult status = _api.cuModuleLoadDataEx(moduleResult, pinned, 2, options, values);
            log[^1] = 0;
            jitLog = status == CuResult.Success ? "" : Text(logResult);
            return status;
        }
    }

    public CuResult ModuleGetFunction(out CuFunction function, CuModule module, string name)
    {
        fixed (CuFunction* functionResult = &function)
        fixed (byte* pinned = Terminated(name))
        {
            return _api.cuModuleGetFunction(functionResult, module, pinned);
        }
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
        if (stream.IsNull)
        {
            return CuResult.InvalidHandle;
        }

        // SAFETY: the driver copies the arguments before it returns; each pointer is into the pinned span, at the argument's natural
        // alignment.
        void** pointers = stackalloc void*[Math.Max(argumentSizes.Length, 1)];
        fixed (byte* start = arguments)
        {
            int offset = 0;
            for (int i = 0; i < argumentSizes.Length; i++)
            {
                int size = argumentSizes[i];
                if (size <= 0)
                {
                    return CuResult.InvalidValue;
                }

                offset = ByteAlignment.Up(offset, size);
                if (offset + size > arguments.Length)
                {
                    return CuResult.InvalidValue;
                }

                pointers[i] = start + offset;
                offset += size;
            }

            return _api.cuLaunchKernel(function, grid.X, grid.Y, grid.Z, block.X, block.Y, block.Z, sharedBytes, stream, pointers, null);
        }
    }

    private static byte[] Terminated(string text) => System.Text.Encoding.UTF8.GetBytes(text + '\0');
}
