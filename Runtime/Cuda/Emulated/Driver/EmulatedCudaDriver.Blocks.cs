using Troupe.Runtime.Cuda.Emulated.Capture;

namespace Troupe.Runtime.Cuda.Emulated.Driver;

/// <content>Pieces of allocations that their owner lends and takes back, in the order of streams, whether those record or not.</content>
internal sealed partial class EmulatedCudaDriver : IBlockWatcher
{
    public bool IsWatching => _machine.IsStrict;

    public void BlockLent(DevicePointer start, ulong bytes, CuStream stream) =>
        Tell(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.Lend,
                Destination = start.Address,
                Bytes = bytes,
            }
        );

    public void BlockReturned(DevicePointer start, ulong bytes, CuStream stream) =>
        Tell(
            stream,
            new StreamCommand
            {
                Kind = CommandKind.TakeBack,
                Destination = start.Address,
                Bytes = bytes,
            }
        );

    private void Tell(CuStream stream, in StreamCommand command)
    {
        if (Enter(out _) != CuResult.Success || _machine.Find(command.Destination) is not { } range)
        {
            return;
        }

        if (!stream.IsNull && _streams.Find(stream.Value) is { } found)
        {
            _execution.Submit(found, in command);
            return;
        }

        CuResult status = _execution.RunNow(range.Context, in command);
        if (status != CuResult.Success)
        {
            range.Device.Fail(status);
        }
    }
}
