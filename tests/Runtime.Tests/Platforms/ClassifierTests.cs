using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Platforms;

/// <summary>A real model against ONNX Runtime called directly: same bits, right answers.</summary>
public sealed class ClassifierTests
{
    [Fact]
    public void The_classifier_answers_every_picture_as_a_direct_call_does_and_gets_186_of_200_right()
    {
        var pictures = new SamplePictures();
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(SamplePictures.ClassifierPath);
        using var direct = new InferenceSession(SamplePictures.ClassifierPath);

        int right = 0;
        for (int picture = 0; picture < pictures.Count; picture++)
        {
            Tensor logits = Assert.Single(Workbench.Forward(instance, pictures.Batch(picture, 1)));
            float[] expected = Direct(direct, pictures.ValuesOf(picture), 1);
            Assert.Equal(expected, Workbench.Floats(logits));
            right += Array.IndexOf(expected, expected.Max()) == pictures.LabelOf(picture) ? 1 : 0;
        }

        Assert.Equal(186, right);
    }

    [Fact]
    public void Batches_of_changing_size_give_the_same_bits()
    {
        var pictures = new SamplePictures();
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(SamplePictures.ClassifierPath);
        using var direct = new InferenceSession(SamplePictures.ClassifierPath);
        foreach (int size in new[] { 1, 8, 3, 1, 8, 32, 3 })
        {
            Tensor logits = Assert.Single(Workbench.Forward(instance, pictures.Batch(size, size)));
            Assert.Equal(new TensorShape(size, 10), logits.Shape);
            Assert.Equal(Direct(direct, [.. Enumerable.Range(size, size).SelectMany(pictures.ValuesOf)], size), Workbench.Floats(logits));
        }
    }

    private static float[] Direct(InferenceSession session, float[] values, int count)
    {
        using var input = OrtValue.CreateTensorValueFromMemory(values, [count, 1, 28, 28]);
        using var options = new RunOptions();
        using IDisposableReadOnlyCollection<OrtValue> results = session.Run(options, ["image"], [input], ["logits"]);
        return results[0].GetTensorDataAsSpan<float>().ToArray();
    }
}
