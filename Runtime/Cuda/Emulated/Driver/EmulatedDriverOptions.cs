using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.Runtime.Cuda.Emulated.Faults;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <summary>How an emulated driver is built: its devices, its execution policy, its strictness and its faults.</summary>
internal sealed record EmulatedDriverOptions
{
    /// <value>The devices, by ordinal. Default one.</value>
    public IReadOnlyList<EmulatedDeviceOptions> Devices { get; init; } = [new EmulatedDeviceOptions()];

    /// <value>Default inline.</value>
    public ExecutionPolicy Policy { get; init; } = ExecutionPolicy.Inline;

    /// <value>Seed of every random choice of the deferred policy.</value>
    public int Seed { get; init; } = 1;

    /// <value>
    /// A thread of the driver runs deferred work by itself, as a GPU does, so that callers who only wait for host functions make progress.
    /// Off by default: without it the order of work depends on the seed alone.
    /// </value>
    public bool Pump { get; init; }

    /// <value>Host time that one unsuccessful query takes on the virtual clock, so that polling ends. Default 1 µs.</value>
    public TimeSpan QueryTime { get; init; } = TimeSpan.FromMicroseconds(1);

    /// <value>Fresh addresses for every allocation, poisoned bytes before and after use. Null: on, except for the inline policy.</value>
    public bool? Strict { get; init; }

    /// <value>Faults planned from the start.</value>
    public IReadOnlyList<EmulatedFault> Faults { get; init; } = [];

    /// <value>Chance of each kind of fault per matching call, drawn by <see cref="Seed"/>. Default none.</value>
    public IReadOnlyDictionary<EmulatedFaultKind, double> FaultRates { get; init; } = new Dictionary<EmulatedFaultKind, double>();

    /// <value>
    /// A device fault ends all devices of the driver. So it was seen on a real driver (580, two H100: an illegal address on one failed
    /// every
    /// call on the other). Default off: each device fails alone.
    /// </value>
    public bool FaultsEndTheProcess { get; init; }

    /// <summary>The effective strictness.</summary>
    public bool IsStrict => Strict ?? Policy != ExecutionPolicy.Inline;

    /// <summary>Options with <paramref name="count"/> equal devices.</summary>
    public static EmulatedDriverOptions WithDevices(int count, EmulatedDeviceOptions? device = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        var devices = new EmulatedDeviceOptions[count];
        Array.Fill(devices, device ?? new EmulatedDeviceOptions());
        return new EmulatedDriverOptions { Devices = devices };
    }
}
