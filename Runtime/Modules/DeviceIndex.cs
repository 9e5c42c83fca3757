namespace Troupe.Runtime.Modules;

/// <summary>One device among those a module lies on, home first; not an ordinal of the machine.</summary>
internal readonly record struct DeviceIndex(int Value) : IIndex<DeviceIndex>
{
    public static DeviceIndex Home => default;

    public static DeviceIndex Of(int value) => new(value);
}
