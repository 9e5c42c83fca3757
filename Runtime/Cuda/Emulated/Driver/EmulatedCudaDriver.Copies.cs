using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Copies and fills. A bad address is an invalid value at the call, as CUDA says; peer copies need no peer access.</content>
internal sealed partial class EmulatedCudaDriver
{
    public CuResult MemcpyHtoD(DevicePointer destination, nint source, ulong bytes) =>
        CopyNow(
            new StreamCommand
            {
                Kind = CommandKind.CopyToDevice,
                Destination = destination.Address,
                Host = source,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyDtoH(nint destination, DevicePointer source, ulong bytes) =>
        CopyNow(
            new StreamCommand
            {
                Kind = CommandKind.CopyToHost,
                Source = source.Address,
                Host = destination,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyDtoD(DevicePointer destination, DevicePointer source, ulong bytes) =>
        CopyNow(
            new StreamCommand
            {
                Kind = KindBetween(destination, source),
                Destination = destination.Address,
                Source = source.Address,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyHtoDAsync(DevicePointer destination, nint source, ulong bytes, CuStream stream) =>
        Transfer(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.CopyToDevice,
                Destination = destination.Address,
                Host = source,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyDtoHAsync(nint destination, DevicePointer source, ulong bytes, CuStream stream) =>
        Transfer(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.CopyToHost,
                Source = source.Address,
                Host = destination,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyDtoDAsync(DevicePointer destination, DevicePointer source, ulong bytes, CuStream stream) =>
        Transfer(
            stream,
            new StreamCommand
            {
                Kind = KindBetween(destination, source),
                Destination = destination.Address,
                Source = source.Address,
                Bytes = bytes,
            }
        );

    public CuResult MemcpyPeerAsync(
        DevicePointer destination,
        CuContext destinationContext,
        DevicePointer source,
        CuContext sourceContext,
        ulong bytes,
        CuStream stream
    )
    {
        CuResult status = Enter(out _);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (_contexts.Find(destinationContext.Value) is not { Retains: > 0 } || _contexts.Find(sourceContext.Value) is not { Retains: > 0 })
        {
            return CuResult.InvalidContext;
        }

        return Transfer(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.CopyPeer,
                Destination = destination.Address,
                Source = source.Address,
                Bytes = bytes,
            }
        );
    }

    public CuResult MemsetD8Async(DevicePointer destination, byte value, ulong bytes, CuStream stream) =>
        Transfer(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.Fill8,
                Destination = destination.Address,
                Value = value,
                Bytes = bytes,
            }
        );

    public CuResult MemsetD32Async(DevicePointer destination, uint value, ulong count, CuStream stream)
    {
        if (count > ulong.MaxValue / sizeof(uint) || destination.Address % sizeof(uint) != 0)
        {
            return CuResult.InvalidValue;
        }

        return Transfer(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.Fill32,
                Destination = destination.Address,
                Value = value,
                Bytes = count * sizeof(uint),
            }
        );
    }

    private static CommandKind KindBetween(DevicePointer destination, DevicePointer source) =>
        AddressSpace.OrdinalOf(destination.Address) == AddressSpace.OrdinalOf(source.Address)
            ? CommandKind.CopyOnDevice
            : CommandKind.CopyPeer;

    private CuResult Transfer(CuStream handle, in StreamCommand command)
    {
        CuResult status = EnterStream(handle, out EmulatedStream? stream);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (stream.Capture is { IsInvalidated: true })
        {
            return CuResult.StreamCaptureInvalidated;
        }

        if (!HasValidRanges(in command))
        {
            return CuResult.InvalidValue;
        }

        if (command.Kind is CommandKind.Fill8 or CommandKind.Fill32 && !CanFill(stream.Context, in command))
        {
            return CuResult.InvalidValue;
        }

        if (command.Bytes == 0)
        {
            return CuResult.Success;
        }

        return Enqueue(stream, in command);
    }

    private CuResult CopyNow(in StreamCommand command)
    {
        CuResult status = EnterContext(out _, out EmulatedCudaContext? context);
        if (status != CuResult.Success)
        {
            return status;
        }

        if (!HasValidRanges(in command))
        {
            return CuResult.InvalidValue;
        }

        if (command.Bytes == 0)
        {
            return CuResult.Success;
        }

        status = _execution.RunNow(context, in command);
        if (status != CuResult.Success)
        {
            context.Device.Fail(status);
        }

        return status;
    }

    /// <summary>A fill is a kernel in disguise: it needs access to memory of another device.</summary>
    private bool CanFill(EmulatedCudaContext context, in StreamCommand command)
    {
        EmulatedAllocation? range = _machine.Find(command.Destination);
        return range is null || range.Device == context.Device || context.HasPeer(range.Context);
    }

    private bool HasValidRanges(in StreamCommand command)
    {
        if (command.Bytes == 0)
        {
            return true;
        }

        if (command.Kind != CommandKind.CopyToHost && !IsUsable(command.Destination, command.Bytes))
        {
            return false;
        }

        if (
            command.Kind is CommandKind.CopyToHost or CommandKind.CopyOnDevice or CommandKind.CopyPeer
            && !IsUsable(command.Source, command.Bytes)
        )
        {
            return false;
        }

        return command.Kind is not (CommandKind.CopyToHost or CommandKind.CopyToDevice) || command.Host != 0;
    }

    private bool IsUsable(ulong address, ulong bytes)
    {
        EmulatedAllocation? range = _machine.Find(address);
        return range is not null && range.Contains(address, bytes) && !range.IsFreeRequested;
    }
}
