using Troupe.Runtime.Cuda;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Platforms;

/// <summary>The device contexts one executor owns.</summary>
/// <remarks><b>Owns</b> a retain of each. <b>Thread</b> the executor's. <b>Blocks</b> in <see cref="Drain"/>.</remarks>
internal sealed class DeviceGroup : IDeviceGroup
{
    private readonly DeviceContext[] _contexts;
    private readonly DeviceHealth[] _health;
    private readonly DeviceAllocators _memory;

    public DeviceGroup(DeviceContext[] contexts, DeviceHealth[] health, DeviceAllocators memory)
    {
        _memory = memory;
        _contexts = contexts;
        _health = health;
        Ordinals = [.. contexts.Select(context => context.Ordinal)];
    }

    public IReadOnlyList<int> Ordinals { get; }

    public string? Fault
    {
        get
        {
            foreach (DeviceContext context in _contexts)
            {
                if (_health[context.Ordinal].Fault is { } fault)
                {
                    return $"device {context.Ordinal}: {fault}";
                }
            }

            return null;
        }
    }

    public DeviceMemory Memory(int ordinal)
    {
        DeviceContext context =
            _contexts.FirstOrDefault(context => context.Ordinal == ordinal)
            ?? throw new ArgumentOutOfRangeException(nameof(ordinal), ordinal, "The group does not own this device.");
        try
        {
            (ulong free, ulong total) = context.MemoryInfo();
            return new DeviceMemory((long)free, (long)total, _memory.CountsOf(ordinal, (long)(total - free)));
        }
        catch (CudaException trouble)
        {
            throw _health[ordinal].Explain(trouble);
        }
    }

    public bool Drain(TimeSpan bound)
    {
        // The driver offers no wait with a bound, so the wait gets a thread of its own that may be left behind.
        var waiter = new Thread(Wait) { IsBackground = true, Name = "device drain" };
        waiter.Start();
        return waiter.Join(bound);
    }

    public void Dispose()
    {
        foreach (DeviceContext context in _contexts)
        {
            context.Dispose();
        }
    }

    private void Wait()
    {
        foreach (DeviceContext context in _contexts)
        {
            try
            {
                context.Synchronize();
            }
            catch (CudaException trouble)
            {
                _health[context.Ordinal].Explain(trouble);
            }
        }
    }
}
