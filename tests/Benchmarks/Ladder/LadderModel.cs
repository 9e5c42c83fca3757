using Troupe.Hosting.Demo;
using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;

namespace Troupe.Benchmarks.Ladder;

/// <summary>A model of the ladder with one input for it.</summary>
internal sealed record LadderModel(string Name, string Path, Tensor Input, string Output, long[] OutputShape)
{
    /// <summary>y = x + 1 over four floats: nothing but overhead.</summary>
    public static LadderModel Add4(ModuleFolder folder) =>
        new(
            "add4",
            folder.Write("add4.onnx", TinyModels.AddOne()),
            new Tensor("x", ElementType.Fp32, new TensorShape(1, 4), new byte[16]),
            "y",
            [1, 4]
        );

    /// <summary>The Fashion-MNIST classifier on one picture.</summary>
    public static LadderModel Classifier() =>
        new(
            "fmnist",
            SampleFiles.FashionMnistModel,
            new Tensor("image", ElementType.Fp32, new TensorShape(1, 1, 28, 28), FashionMnist.Read().Images[0]),
            "logits",
            [1, 10]
        );
}
