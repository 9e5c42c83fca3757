namespace Troupe.Runtime.Memory;

/// <summary>Somebody who keeps device memory between forwards, and gives it back when others need it: the lanes of an instance.</summary>
/// <remarks><b>Thread</b> that of whoever needs memory, who holds no lock of a holder. <b>Blocks</b> for the holder's own lock.</remarks>
internal interface IMemoryHolder
{
    /// <summary>Gives back what is kept for the sake of speed alone: nothing is in flight that uses it, and no mode holds it.</summary>
    void GiveBackMemory();
}
