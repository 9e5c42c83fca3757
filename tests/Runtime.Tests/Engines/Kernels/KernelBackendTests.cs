using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Kernels;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Engines.Kernels;

public sealed class KernelBackendTests
{
    [Fact]
    public void A_module_of_every_kernel_computes_what_plain_arithmetic_does()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(KernelChain.Write(bench.Folder));
        foreach (int rows in (int[])[1, 7, 300, 1, 0])
        {
            Tensor pixels = KernelChain.Pixels(rows, seed: rows);
            Assert.InRange(KernelChain.Error(pixels, Workbench.Forward(instance, pixels)), 0, 1e-5);
        }
    }

    [Fact]
    public void Two_devices_may_each_load_the_same_kernels()
    {
        using var bench = Workbench.WithDevices(2);
        string path = KernelChain.Write(bench.Folder);
        Tensor pixels = KernelChain.Pixels(3, seed: 1);
        for (int home = 0; home < 2; home++)
        {
            Assert.InRange(KernelChain.Error(pixels, Workbench.Forward(bench.Load(path, home), pixels)), 0, 1e-5);
        }
    }

    [Theory]
    [InlineData(
        """{ "kernel": "relu_f64", "inputs": ["pixels"], "output": "y", "shape": ["n"] }""",
        "known are normalize_u8_f32, relu_f32"
    )]
    [InlineData(
        """{ "kernel": "relu_f32", "inputs": ["a", "b"], "output": "y", "shape": ["n"] }""",
        "names 2 tensors; the kernel 'relu_f32' has 1"
    )]
    [InlineData(
        """{ "kernel": "scale_shift_f32", "inputs": ["a"], "output": "y", "shape": ["n"], "scalars": [1] }""",
        "takes scale, shift"
    )]
    [InlineData(
        """{ "kernel": "scale_shift_f32", "inputs": ["a"], "output": "y", "shape": ["n"], "scalars": [1, "x"] }""",
        "not a finite float32 number"
    )]
    [InlineData("""{ "kernel": "softmax_f32", "inputs": ["a"], "output": "y", "shape": [] }""", "works on the last one")]
    [InlineData("""{ "kernel": "relu_f32", "inputs": ["a"], "output": "y", "shape": [-3] }""", "a dimension is a whole number")]
    [InlineData("""{ "kernel": "relu_f32", "inputs": ["a"], "output": "y", "shape": ["n"], "grid": 7 }""", "unknown key 'grid'")]
    [InlineData("""{ "kernel": """, "is not a kernel manifest")]
    public void A_bad_manifest_is_one_clear_error_and_the_next_load_works(string manifest, string expected)
    {
        using var bench = new Workbench();
        string path = KernelChain.Write(bench.Folder);
        string good = File.ReadAllText(Path.Combine(bench.Folder.Path, "normalize.json"));
        bench.Folder.Write("normalize.json", manifest);

        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Driver.Alive());

        bench.Folder.Write("normalize.json", good);
        Tensor pixels = KernelChain.Pixels(2, seed: 5);
        Assert.InRange(KernelChain.Error(pixels, Workbench.Forward(bench.Load(path), pixels)), 0, 1e-5);
    }
}
