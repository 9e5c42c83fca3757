using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Capture;

/// <summary>Which recordings an executable takes in place, and why not another.</summary>
public sealed class GraphComparisonTests : IDisposable
{
    private readonly EmulatedMachine _machine = new([new EmulatedDeviceOptions(), new EmulatedDeviceOptions()])
    {
        IsStrict = false,
        HasVirtualClock = false,
        FaultsEndTheProcess = false,
    };

    [Fact]
    public void Other_values_of_the_same_shape_are_taken() =>
        Assert.Equal(
            CuGraphExecUpdateResult.Success,
            GraphComparison.Compare(
                [Node(CommandKind.Fill8, bytes: 1), Node(CommandKind.CopyOnDevice, bytes: 2, after: 0)],
                [Node(CommandKind.Fill8, bytes: 8), Node(CommandKind.CopyOnDevice, bytes: 9, after: 0)]
            )
        );

    [Fact]
    public void Another_number_of_nodes_or_other_edges_are_another_topology()
    {
        GraphNode[] chain = [Node(CommandKind.Fill8), Node(CommandKind.Fill8, after: 0)];
        Assert.Equal(CuGraphExecUpdateResult.TopologyChanged, GraphComparison.Compare(chain, [chain[0]]));
        Assert.Equal(CuGraphExecUpdateResult.TopologyChanged, GraphComparison.Compare(chain, [chain[0], chain[0]]));
    }

    [Fact]
    public void Another_kind_of_work_and_another_device_are_told_apart()
    {
        Assert.Equal(
            CuGraphExecUpdateResult.NodeTypeChanged,
            GraphComparison.Compare([Node(CommandKind.Fill8)], [Node(CommandKind.Fill32)])
        );
        Assert.Equal(
            CuGraphExecUpdateResult.ParametersChanged,
            GraphComparison.Compare([Node(CommandKind.Fill8)], [Node(CommandKind.Fill8, device: 1)])
        );
    }

    public void Dispose() => _machine.Dispose();

    private GraphNode Node(CommandKind kind, ulong bytes = 1, int device = 0, params int[] after) =>
        new(new StreamCommand { Kind = kind, Bytes = bytes }, _machine.Devices[device].Primary, after);
}
