using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>Tensors of type BYTES from one node to the one that has the model, and back.</summary>
public sealed class StringForwardTests
{
    [Fact]
    public async Task Strings_travel_between_nodes_as_they_are()
    {
        using var bench = new Workbench();
        string path = bench.Folder.Write("texts.onnx", TinyModels.Texts());
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), bench.Platform);
        (LocalNode without, LocalNode with) = (cluster.Nodes[0], cluster.Nodes[1]);
        await with.Load("texts", path: path);
        await InProcessCluster.Knows(without, with.Node.Id, "texts");
        var forward = new Forward
        {
            Id = without.Node.NextRequestId(),
            Model = new ModelReference("texts"),
            Inputs = [Workbench.Strings("x", [3], [0xFF, 0xC0], [], [(byte)'a'])],
        };

        without.Node.Forward(forward, without.Sink);

        ForwardReply.Succeeded reply = Assert.IsType<ForwardReply.Succeeded>(await without.Sink.Reply(forward.Id));
        Assert.Equal(with.Node.Id, reply.Report.Gpu.Node);
        Assert.Equal("02000000FFC0" + "00000000" + "0100000061", Convert.ToHexString(reply.Outputs[0].Data.Span));
    }
}
