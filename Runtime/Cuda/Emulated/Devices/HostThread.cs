namespace Troupe.Runtime.Cuda.Emulated.Devices;

/// <summary>What the driver keeps per calling thread: its stack of device contexts, its capture mode, and whether it is inside work of a
/// stream.</summary>
internal sealed class HostThread(EmulatedMachine machine)
{
    private EmulatedCudaContext?[] _stack = new EmulatedCudaContext?[8];
    private int _depth;

    public EmulatedMachine Machine { get; } = machine;

    public EmulatedCudaContext? Current { get; private set; }

    /// <summary>Set while the thread runs a kernel or a host function: it may call nothing of the driver.</summary>
    public int InsideWork { get; set; }

    public CuStreamCaptureMode CaptureMode { get; set; } = CuStreamCaptureMode.Global;

    /// <summary>Captures begun on this thread in a mode other than relaxed and not ended.</summary>
    public int StrictCaptures { get; set; }

    private EmulatedDevice? _lastDevice;

    public void Push(EmulatedCudaContext? context)
    {
        if (_depth == _stack.Length)
        {
            Array.Resize(ref _stack, _depth * 2);
        }

        _stack[_depth++] = context;
        MakeCurrent(context);
    }

    public bool TryPop(out EmulatedCudaContext? popped)
    {
        popped = null;
        if (_depth == 0)
        {
            return false;
        }

        popped = _stack[--_depth];
        _stack[_depth] = null;
        MakeCurrent(_depth == 0 ? null : _stack[_depth - 1]);
        return true;
    }

    /// <summary>Replaces the top of the stack; null takes it away.</summary>
    public void Set(EmulatedCudaContext? context)
    {
        if (context is null)
        {
            TryPop(out _);
            return;
        }

        if (_depth == 0)
        {
            Push(context);
            return;
        }

        _stack[_depth - 1] = context;
        MakeCurrent(context);
    }

    private void MakeCurrent(EmulatedCudaContext? context)
    {
        Current = context;
        if (context is null || context.Device == _lastDevice)
        {
            return;
        }

        if (_lastDevice is not null)
        {
            EmulatedCounters.Count(ref context.Device.Counters.DeviceSwitches);
        }

        _lastDevice = context.Device;
    }
}
