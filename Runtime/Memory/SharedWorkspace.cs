using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Memory;

/// <summary>Scratch memory that the execution contexts of one lane on one device use in turn, so that it is there once and not once per
/// context and recording.</summary>
/// <remarks>
/// Sound because a lane puts the work of one forward at a time on its device, one segment behind the other. A recording holds the piece it
/// was recorded with; when a context needs
/// more, a larger piece takes its place, and the former stays as long as somebody holds it.
/// <b>Owns</b> pieces that are held. <b>Thread</b> the lane's holder. <b>Blocks</b> never.
/// </remarks>
internal sealed class SharedWorkspace(BlockPool pool)
{
    /// <summary>The piece that contexts bind now; null when nobody needs one.</summary>
    public Piece? Current { get; private set; }

    /// <summary>Takes a hold of a piece of at least these bytes.</summary>
    /// <exception cref="ForwardException">The device is full; nothing changed.</exception>
    public Piece Hold(ulong bytes, DeviceStream stream)
    {
        if (Current is null || Current.Block.Bytes < bytes)
        {
            Current = new Piece(pool.Rent(bytes, stream));
        }

        Current.Holders++;
        return Current;
    }

    /// <summary>Lets a piece go; the last to do so gives it back.</summary>
    public void LetGo(Piece piece)
    {
        if (--piece.Holders > 0)
        {
            return;
        }

        if (ReferenceEquals(piece, Current))
        {
            Current = null;
        }

        piece.Block.Return(piece.Block.Generation);
    }

    /// <summary>One allocation and how many contexts are bound to it.</summary>
    internal sealed class Piece(DeviceBlock block)
    {
        public DeviceBlock Block { get; } = block;

        public int Holders { get; set; }
    }
}
