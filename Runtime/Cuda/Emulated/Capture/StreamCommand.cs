using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>One piece of stream work as a value: run at once, queued, or kept in a graph.</summary>
internal readonly struct StreamCommand
{
    public CommandKind Kind { get; init; }

    public ulong Destination { get; init; }

    public ulong Source { get; init; }

    /// <summary>Host address of a copy; read or written when the work runs.</summary>
    public nint Host { get; init; }

    public ulong Bytes { get; init; }

    public uint Value { get; init; }

    /// <summary>The kernel, kernel launch, host function or event, by kind.</summary>
    public object? Subject { get; init; }

    /// <summary>A managed kernel's ranges as they were when it was queued or recorded; null when it runs at enqueue.</summary>
    public DeviceAccess[]? Accesses { get; init; }

    /// <summary>Whether it occupies a copy engine rather than the compute engine of its device.</summary>
    public bool IsCopy => Kind is CommandKind.CopyToDevice or CommandKind.CopyToHost or CommandKind.CopyOnDevice or CommandKind.CopyPeer;

    public string Describe() =>
        Kind switch
        {
            CommandKind.Managed => $"kernel {((ManagedKernel)Subject!).Name}",
            CommandKind.Kernel => $"kernel {((KernelLaunch)Subject!).Kernel.Name}",
            CommandKind.CopyToDevice => $"copy of {Bytes} bytes to device at 0x{Destination:x}",
            CommandKind.CopyToHost => $"copy of {Bytes} bytes to host from 0x{Source:x}",
            CommandKind.CopyOnDevice or CommandKind.CopyPeer => $"copy of {Bytes} bytes from 0x{Source:x} to 0x{Destination:x}",
            CommandKind.Fill8 or CommandKind.Fill32 => $"fill of {Bytes} bytes at 0x{Destination:x}",
            CommandKind.HostCall => $"host function {Subject!.GetType().Name}",
            CommandKind.Free => $"free of {Bytes} bytes at 0x{Destination:x}",
            CommandKind.Lend => $"lending of {Bytes} bytes at 0x{Destination:x}",
            CommandKind.TakeBack => $"return of {Bytes} bytes at 0x{Destination:x}",
            CommandKind.Nothing => "empty node",
            CommandKind.Record => "event record",
            CommandKind.Wait => "event wait",
        };
}
