namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>What a piece of stream work does.</summary>
internal enum CommandKind
{
    Nothing,
    CopyToDevice,
    CopyToHost,
    CopyOnDevice,
    CopyPeer,
    Fill8,
    Fill32,
    Managed,
    Kernel,
    HostCall,
    Record,
    Wait,
    Free,
    Lend,
    TakeBack,
}
