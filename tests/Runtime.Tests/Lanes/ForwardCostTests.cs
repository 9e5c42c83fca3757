using System.Text;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Cuda;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>What a warm forward on host tensors costs, per path: the driver's calls from the lease of a lane until it is given back, and
/// every copied byte, compared with <c>forward-costs.txt</c>.</summary>
public sealed class ForwardCostTests(ITestOutputHelper output)
{
    private const int Warm = 3;

    private static readonly ModeSettings Plain = new();
    private static readonly ModeSettings BySegment = new() { CudaGraphs = CudaGraphsMode.PerSegment };
    private static readonly ModeSettings Whole = new() { CudaGraphs = CudaGraphsMode.WholeModule };

    private static readonly (string Mode, ModeSettings Settings)[] Modes =
    [
        ("plain", Plain),
        ("by segment graphs", BySegment),
        ("by a whole graph", Whole),
        ("pre-allocated", Plain with { PreAllocatedOutputs = true }),
        ("pre-allocated, by segment graphs", BySegment with { PreAllocatedOutputs = true }),
    ];

    private static readonly (string Module, Func<Workbench, string> Write, Tensor[] Inputs, string[] Wanted)[] Modules =
    [
        ("one segment", bench => bench.Folder.Write("one.onnx", TinyModels.Scale(2)), [X(4)], []),
        ("three segments", bench => TinyModules.Hybrid(bench.Folder), [X(4)], []),
        ("three segments on two devices", bench => TinyModules.Hybrid(bench.Folder, middleDevice: 1), [X(4)], []),
        ("two inputs, two outputs", bench => bench.Folder.Write("table.onnx", TinyModels.Table()), [Row(8), Column(4)], []),
        ("two inputs, one of two outputs", bench => bench.Folder.Write("table.onnx", TinyModels.Table()), [Row(8), Column(4)], ["total"]),
        ("an input written in place", bench => TinyModules.Cache(bench.Folder), [Cache(), Workbench.Floats("x", [1], 1)], []),
        ("an input of 2.5 MiB", bench => bench.Folder.Write("one.onnx", TinyModels.Scale(2)), [X(5 << 17)], []),
    ];

    [Fact]
    public void A_warm_forward_makes_the_calls_and_copies_of_the_committed_table()
    {
        var table = new StringBuilder();
        foreach ((string module, Func<Workbench, string> write, Tensor[] inputs, string[] wanted) in Modules)
        {
            foreach ((string mode, ModeSettings settings) in Modes)
            {
                table.Append($"{module}, {mode}\n{CostOf(write, inputs, wanted, settings)}\n\n");
            }
        }

        string committed = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "forward-costs.txt"));
        if (table.ToString() != committed)
        {
            output.WriteLine("tests/Runtime.Tests/Lanes/forward-costs.txt is to be:");
            output.WriteLine(table.ToString());
        }

        Assert.Equal(committed, table.ToString());
    }

    [Fact]
    public void By_graph_an_input_is_copied_straight_to_where_it_is_read_and_an_output_from_where_it_is_written()
    {
        foreach ((string module, Func<Workbench, string> write, Tensor[] inputs, string[] wanted) in Modules)
        {
            int outputs = module.Contains("two outputs", StringComparison.Ordinal) && wanted.Length == 0 ? 2 : 1;
            bool isOne = !module.StartsWith("three", StringComparison.Ordinal);
            DriverCalls whole = CostOf(write, inputs, wanted, Whole);
            DriverCalls bySegment = CostOf(write, inputs, wanted, BySegment);
            Assert.Equal((1, isOne ? 1 : 3), (whole.Of(nameof(ICudaDriver.GraphLaunch)), bySegment.Of(nameof(ICudaDriver.GraphLaunch))));
            Assert.Equal((inputs.Length, outputs, 0), Copies(whole));

            // What lies between two recordings goes from the one to the other.
            Assert.Equal((inputs.Length, outputs, isOne ? 0 : 2), Copies(bySegment));
        }
    }

    [Fact]
    public void Outputs_that_are_not_wanted_are_not_copied_and_take_no_staging()
    {
        foreach (ModeSettings settings in (ModeSettings[])[Plain, BySegment, Whole])
        {
            DriverCalls first = CostOf(Table, [Row(800), Column(400)], ["total"], settings, warm: 0);
            Assert.Equal([4UL], first.Copied(CopyKind.ToHost));
            Assert.Equal([64UL], first.Pinned.Except([3200UL + 1600]));
            DriverCalls later = CostOf(Table, [Row(800), Column(400)], ["total"], settings);
            Assert.Equal([4UL], later.Copied(CopyKind.ToHost));
        }

        static string Table(Workbench bench) => bench.Folder.Write("table.onnx", TinyModels.Table());
    }

    private static (int In, int Out, int Between) Copies(DriverCalls calls) =>
        (calls.Copied(CopyKind.ToDevice).Length, calls.Copied(CopyKind.ToHost).Length, calls.Copied(CopyKind.OnDevice).Length);

    private static DriverCalls CostOf(
        Func<Workbench, string> write,
        Tensor[] inputs,
        string[] wanted,
        ModeSettings settings,
        int warm = Warm
    )
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(2), wrap: driver => counting = new CountingDriver(driver));
        ModuleInstance instance = bench.Load(write(bench));
        instance.Apply(settings);
        for (int round = 0; round < warm; round++)
        {
            Forward(instance, inputs, wanted, settings);
        }

        counting!.Take();
        Forward(instance, inputs, wanted, settings);
        return counting.Take();
    }

    private static void Forward(ModuleInstance instance, Tensor[] inputs, string[] wanted, ModeSettings settings)
    {
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            lane.Submit([new LaneForward(inputs, wanted)], settings, static () => { });
            Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
            lane.TakeOutputs(0);
            lane.TimesOf(0);
        }
    }

    private static Tensor X(int columns) => new("x", ElementType.Fp32, new TensorShape(columns / 4, 4), new byte[columns * sizeof(float)]);

    private static Tensor Row(int n) => Workbench.Floats("a", [n, 1], new float[n]);

    private static Tensor Column(int m) => Workbench.Floats("b", [1, m], new float[m]);

    private static Tensor Cache() => Workbench.Floats("cache", [64], new float[64]);
}
