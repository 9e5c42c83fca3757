namespace Troupe.Runtime.Memory;

/// <summary>Where a block comes from, in the order in which that is tried.</summary>
internal enum BlockSource
{
    /// <summary>An idle block last used on the stream that wants it: the stream's own order covers the reuse.</summary>
    OwnStream,

    /// <summary>An idle block whose last use is over.</summary>
    Over,

    /// <summary>Memory that is new from the driver, within the budget.</summary>
    New,

    /// <summary>As <see cref="New"/>, after idle memory was given back to the driver.</summary>
    NewForIdle,

    /// <summary>What idle lanes and their contexts keep: their holders are asked.</summary>
    Holders,

    /// <summary>What came back when its stream was gone: the device is asked whether it is done with it.</summary>
    Lost,

    /// <summary>An idle block whose last use is not over yet, behind the event that marks it.</summary>
    InFlight,

    /// <summary>There is none.</summary>
    Refused,
}

/// <summary>What is known of a device's memory when a block is wanted.</summary>
/// <param name="OwnStream">An idle block that is large enough was last used on the same stream.</param>
/// <param name="Over">The last use of an idle block that is large enough is over.</param>
/// <param name="FitsBudget">The driver has not refused, and the budget admits as much.</param>
/// <param name="HasIdle">Idle memory can be given back to the driver.</param>
/// <param name="HasHolders">There is a holder that has not been asked.</param>
/// <param name="HasLost">Something came back when its stream was gone, and the device has not been asked about it.</param>
/// <param name="InFlight">An idle block that is large enough can be waited for.</param>
internal readonly record struct BlockFacts(
    bool OwnStream,
    bool Over,
    bool FitsBudget,
    bool HasIdle,
    bool HasHolders,
    bool HasLost,
    bool InFlight
)
{
    /// <summary>A lane waits for another lane's work only where there is no other memory: lanes must overlap. Nobody waits for a whole
    /// device before that either.</summary>
    public BlockSource Choose() =>
        OwnStream ? BlockSource.OwnStream
        : Over ? BlockSource.Over
        : FitsBudget ? BlockSource.New
        : HasIdle ? BlockSource.NewForIdle
        : HasHolders ? BlockSource.Holders
        : HasLost ? BlockSource.Lost
        : InFlight ? BlockSource.InFlight
        : BlockSource.Refused;
}
