using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Modules;

public sealed class FashionModuleTests
{
    private static string Sample => Path.Combine(AppContext.BaseDirectory, "Samples", "models", "fashion", "1");

    [Fact]
    public void The_sample_files_are_what_the_generator_writes()
    {
        using var folder = new ModuleFolder();
        FashionModule.Write(folder.Path, File.ReadAllBytes(SamplePictures.ClassifierPath));
        foreach (string written in Directory.GetFiles(folder.Path))
        {
            Assert.Equal(File.ReadAllBytes(written), File.ReadAllBytes(Path.Combine(Sample, Path.GetFileName(written))));
        }

        Assert.Equal(4, Directory.GetFiles(Sample).Length);
    }

    [Fact]
    public void Two_engine_segments_and_a_fallback_between_them_label_186_of_200_pictures_right()
    {
        var pictures = new SamplePictures();
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(Path.Combine(Sample, "module.json"));
        int right = 0;
        for (int first = 0; first < pictures.Count; first += 8)
        {
            Tensor[] results = Workbench.Forward(instance, pictures.Batch(first, 8));
            Assert.Equal(["confidence", "label"], results.Select(result => result.Name));
            Assert.All(Workbench.Floats(results[0]), confidence => Assert.InRange(confidence, 0.1f, 1f));
            right += Workbench.Longs(results[1]).Where((label, index) => label == pictures.LabelOf(first + index)).Count();
        }

        Assert.Equal(186, right);
    }
}
