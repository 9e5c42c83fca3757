using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Cuda;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>The names of the outputs that a caller wants, on their way to the lane.</summary>
public sealed class WantedOutputsTests
{
    [Fact]
    public async Task A_forward_that_wants_one_of_two_outputs_has_only_that_one_brought_to_the_host()
    {
        CountingDriver? counting = null;
        using var bench = new Workbench(wrap: driver => counting = new CountingDriver(driver));
        string path = bench.Folder.Write("table.onnx", TinyModels.Table());
        await using var node = LocalNode.Start(bench.Platform);
        await node.Load("table", path: path);

        ForwardReply.Succeeded both = await Ask(node, []);
        counting!.Take();
        ForwardReply.Succeeded one = await Ask(node, ["total"]);

        Assert.Equal(["table", "total"], both.Outputs.Select(output => output.Name));
        Assert.Equal(["total"], one.Outputs.Select(output => output.Name));
        Assert.Equal(8f * 4, Workbench.Floats(one.Outputs[0])[0]);
        Assert.Equal([4UL], counting.Take().Copied(CopyKind.ToHost));
    }

    private static async Task<ForwardReply.Succeeded> Ask(LocalNode node, string[] outputs)
    {
        var forward = new Forward
        {
            Id = node.Node.NextRequestId(),
            Model = new ModelReference("table"),
            Inputs = [Ones("a", 8, 1), Ones("b", 1, 4)],
            Outputs = outputs,
        };
        node.Node.Forward(forward, node.Sink);
        return Assert.IsType<ForwardReply.Succeeded>(await node.Sink.Reply(forward.Id));
    }

    private static Tensor Ones(string name, long rows, long columns) =>
        Workbench.Floats(name, [rows, columns], [.. Enumerable.Repeat(1f, (int)(rows * columns))]);
}
