using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Counts;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Simulation;

/// <content>What becomes of forwards in flight, and what must hold whenever somebody looks.</content>
internal sealed partial class World
{
    /// <summary>Looks after a few forwards in flight, some of them to their end.</summary>
    private void Advance()
    {
        PendingForward[] pending = [.. _loaded.SelectMany(loaded => loaded.Pending)];
        for (int look = _random.Next(1, 4); look > 0 && pending.Length > 0; look--)
        {
            PendingForward forward = Any(pending);
            if (!forward.Loaded.Pending.Contains(forward))
            {
                continue;
            }

            if (_random.Next(3) == 0)
            {
                Finish(forward);
            }
            else if (forward.Lane is { } lane && lane.Poll(0) != LaneStatus.Pending)
            {
                Finish(forward);
            }
        }
    }

    private void Finish(LoadedCase loaded)
    {
        while (loaded.Pending.Count > 0)
        {
            Finish(loaded.Pending[0]);
        }
    }

    private void Finish(PendingForward forward)
    {
        forward.Loaded.Pending.Remove(forward);
        if (forward.Lane is null)
        {
            FinishOnDevice(forward);
            return;
        }

        _trace.Add($"finish {forward.Loaded} on lane {IndexOf(forward.Loaded, forward.Lane)}");
        forward.Lane.Lane.WaitUntilIdle();
        LaneStatus status = forward.Lane.Poll(0);
        Assert.True(
            status == (forward.Expected is null ? LaneStatus.Failed : LaneStatus.Succeeded),
            $"{forward.Loaded}: {status} {(status == LaneStatus.Failed ? forward.Lane.FailureOf(0) : null)} {string.Join('|', _driver.Reports)}"
        );
        forward.Loaded.LaneOf(forward.Lane).Completed(forward.Expected is not null);
        if (forward.Expected is { } expected)
        {
            Compare(forward.Loaded, expected, forward.Lane.TakeOutputs(0));
        }
        else
        {
            Assert.Contains("failed while it ran", forward.Lane.FailureOf(0).Message, StringComparison.Ordinal);
        }

        GiveBack(forward.Loaded, forward.Lane);
    }

    private void FinishOnDevice(PendingForward forward)
    {
        Caller caller = forward.Caller!;
        _trace.Add($"finish {forward.Loaded} of caller {caller.Number}");
        using (caller.Context.Enter())
        {
            caller.Stream.Synchronize();
        }

        // An owned set's blocks are overwritten by the next forward: an older view is stale then, and says so.
        if (!forward.Outputs.Any(output => output.IsStale))
        {
            Compare(
                forward.Loaded,
                forward.Expected!,
                [
                    .. forward.Outputs.Select(
                        (output, index) => new Tensor(forward.Expected![index].Name, output.Type, output.Shape, Download(output))
                    ),
                ]
            );
        }
        else
        {
            Assert.True(forward.OutputsAreKept, "An output went stale that is no part of a pre-allocated set.");
        }

        forward.Loaded.HeldByCallers -= forward.OutputsAreKept ? 0 : forward.Outputs.Length;
        Array.ForEach(forward.Outputs, output => output.Return());
        ReturnInputs(forward.Loaded, forward.Inputs);
        foreach (
            (DeviceTensor cache, float[] values) in forward.Loaded.Pending.Exists(other => other.Caller == caller)
            || !forward.Loaded.Caches.TryGetValue(caller, out (DeviceTensor Tensor, float[] Values) kept)
                ? []
                : new[] { kept }
        )
        {
            Assert.Equal(values, MemoryMarshal.Cast<byte, float>(Download(cache)).ToArray());
        }
    }

    /// <summary>Everything in flight ends; then memory must be exactly where it is expected.</summary>
    private void Settle()
    {
        _trace.Add("settle");
        _loaded.ForEach(Finish);
        Assert.True(_driver.Reports.Count == 0, $"The driver reports {string.Join(" | ", _driver.Reports)}");
        foreach (LoadedCase loaded in _loaded)
        {
            loaded.Instance.WaitUntilIdle();
            foreach (HostLane lane in loaded.Instance.Lanes)
            {
                LaneModel model = loaded.LaneOf(lane);
                if (model.ToHold is null)
                {
                    Assert.True(model.Graphs == lane.Lane.Graphs, $"{loaded}: {lane.Lane.Graphs} graphs, expected {model.Graphs}.");
                    Assert.True(
                        model.KeptOutputs == lane.Lane.KeptOutputs,
                        $"{loaded}: {lane.Lane.KeptOutputs} kept outputs, expected {model.KeptOutputs}."
                    );
                }
            }

            if (loaded.Model.Lanes.Values.All(model => model.ToHold is null))
            {
                long lent =
                    loaded.HeldByCallers
                    + loaded.Model.Lanes.Values.Sum(model => model.InputBlocks.Count + model.KeptOutputs + model.WorkspaceBlocks);
                Assert.True(
                    lent == loaded.Instance.HomePool.Lent,
                    $"{loaded}: {loaded.Instance.HomePool.Lent} blocks are lent, expected {lent}."
                );
            }
        }
    }

    private void CheckCounts()
    {
        foreach (LoadedCase loaded in _loaded)
        {
            InstanceCounts expected = loaded.Model.Counts.Snapshot();
            InstanceCounts found = loaded.Instance.Counters.Snapshot();
            Assert.True(expected == found, $"{loaded} counts{Environment.NewLine}{found}, expected{Environment.NewLine}{expected}.");
        }
    }

    private static void Compare(LoadedCase loaded, Tensor[] expected, Tensor[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        foreach ((Tensor right, Tensor given) in expected.Zip(found))
        {
            Assert.True(
                (right.Name, right.Type, right.Shape) == (given.Name, given.Type, given.Shape)
                    && right.Data.Span.SequenceEqual(given.Data.Span),
                $"{loaded}: {given.Name} {given.Shape} {Convert.ToHexString(given.Data.Span)}, expected {right.Name} {right.Shape} {Convert.ToHexString(right.Data.Span)}."
            );
        }
    }

    private static unsafe DeviceTensor Upload(Tensor tensor, Caller caller)
    {
        DeviceBlock block = caller.Pool.Rent((ulong)tensor.Data.Length, caller.Stream);
        using (caller.Context.Enter())
        {
            caller.Stream.Synchronize();
            fixed (byte* source = tensor.Data.Span)
            {
                if (tensor.Data.Length > 0)
                {
                    caller.Context.Driver.MemcpyHtoD(block.Pointer, (nint)source, (ulong)tensor.Data.Length).ThrowIfFailed();
                }
            }
        }

        return new DeviceTensor(tensor.Type, tensor.Shape, block);
    }

    private static unsafe byte[] Download(in DeviceTensor tensor)
    {
        byte[] bytes = new byte[tensor.Bytes];
        using ContextEntry entry = tensor.Block.Pool.Device.Enter();
        fixed (byte* target = bytes)
        {
            if (bytes.Length > 0)
            {
                tensor.Block.Pool.Device.Driver.MemcpyDtoH((nint)target, tensor.Pointer, (ulong)bytes.Length).ThrowIfFailed();
            }
        }

        return bytes;
    }

    private static void ReturnInputs(LoadedCase loaded, DeviceTensor[] inputs)
    {
        for (int input = 0; input < inputs.Length; input++)
        {
            if (input != loaded.Module.Cache)
            {
                inputs[input].Return();
            }
        }
    }

    private static void ReturnCaches(LoadedCase loaded)
    {
        foreach ((DeviceTensor cache, _) in loaded.Caches.Values)
        {
            cache.Return();
        }

        loaded.Caches.Clear();
    }
}
