namespace Troupe.Runtime.Cuda;

/// <summary>What emulated devices add to the port: they are told which pieces of an allocation are lent, and hold work to them as to
/// allocations of their own. Real devices do not have it: there a switch makes every block an allocation.</summary>
internal interface IBlockWatcher
{
    /// <summary>Whether anything is checked; else nobody need tell.</summary>
    bool IsWatching { get; }

    /// <summary>A piece is used by what comes behind on a stream.</summary>
    /// <param name="stream">None: by everything enqueued from now on.</param>
    void BlockLent(DevicePointer start, ulong bytes, CuStream stream);

    /// <summary>A piece is not used by anything that comes behind on a stream, nor by others that are not ordered before.</summary>
    /// <param name="stream">None: the host has seen all of its uses end.</param>
    void BlockReturned(DevicePointer start, ulong bytes, CuStream stream);
}
