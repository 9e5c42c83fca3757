using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.TestSupport.Onnx;

namespace Troupe.Runtime.Tests.Engines.Onnx.Model;

/// <summary>An ONNX file is read as data, without ONNX Runtime: nodes, weights and names; anything else is refused.</summary>
public sealed class OnnxGraphTests
{
    [Fact]
    public void Nodes_inputs_and_opset_are_told()
    {
        OnnxGraph graph = OnnxGraph.Read(Bytes(TinyModels.Sum("a", "b", "y")));
        Assert.Equal(["a", "b"], graph.Inputs);
        Assert.Single(graph.Nodes);
        Assert.True(graph.Opset > 0);
        Assert.Empty(graph.ExternalFiles);
    }

    [Theory]
    [InlineData("")]
    [InlineData("not a model at all")]
    [InlineData("{\"onnx\": \"net.onnx\"}")]
    public void Other_bytes_are_refused(string text) =>
        Assert.ThrowsAny<Exception>(() => OnnxGraph.Read(System.Text.Encoding.UTF8.GetBytes(text)));

    [Fact]
    public void Cut_off_anywhere_it_is_read_or_refused_and_never_anything_else()
    {
        byte[] whole = Bytes(TinyModels.Scale(2));
        for (int length = 0; length < whole.Length; length++)
        {
            if (Record.Exception(() => OnnxGraph.Read(whole.AsSpan(0, length))) is { } refused)
            {
                Assert.True(refused is InvalidDataException or OverflowException, $"{length}: {refused}");
            }
        }
    }

    private static byte[] Bytes(TinyOnnx model)
    {
        using ModuleFolder folder = new();
        return File.ReadAllBytes(folder.Write("net.onnx", model));
    }
}
