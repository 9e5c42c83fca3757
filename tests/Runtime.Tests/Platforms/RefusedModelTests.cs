using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;
using static Troupe.TestSupport.Onnx.TinyOnnx;

namespace Troupe.Runtime.Tests.Platforms;

/// <summary>Every way a model's bytes can be wrong: one clear error each, nothing left on the device, and the next good model
/// loads.</summary>
public sealed class RefusedModelTests
{
    [Theory]
    [InlineData("absent", FailureKind.NotFound, "There is no file")]
    [InlineData("empty", FailureKind.InvalidModel, "is empty")]
    [InlineData("noise", FailureKind.InvalidModel, "is not an ONNX model, or it is cut off")]
    [InlineData("truncated", FailureKind.InvalidModel, "is not an ONNX model, or it is cut off")]
    [InlineData("operator", FailureKind.NotSupported, "NoSuchOperator")]
    [InlineData("opset", FailureKind.NotSupported, "opset 99")]
    [InlineData("unconnected", FailureKind.InvalidModel, "ONNX Runtime refuses")]
    [InlineData("int4", FailureKind.NotSupported, "ONNX Runtime does not support")]
    [InlineData("outside", FailureKind.InvalidModel, "outside the module's folder")]
    [InlineData("external", FailureKind.InvalidModel, "ONNX Runtime refuses")]
    [InlineData("large", FailureKind.OutOfDeviceMemory, "device 0 has 1048576 of 1048576 free")]
    [InlineData("extension", FailureKind.NotSupported, "a lone model is a .onnx file or an artifact")]
    [InlineData("plan", FailureKind.NotSupported, "wants the back end 'tensorrt'")]
    public void Wrong_bytes_are_refused_and_leave_the_device_as_it_was(string kind, FailureKind expected, string text)
    {
        using var bench = new Workbench(EmulatedDriverOptions.WithDevices(1, new EmulatedDeviceOptions { MemoryBytes = 1 << 20 }));
        byte[] good = TinyModels.AddOne().ToBytes();
        string path = kind switch
        {
            "absent" => Path.Combine(bench.Folder.Path, "none.onnx"),
            "empty" => bench.Folder.Write("m.onnx", Array.Empty<byte>()),
            "noise" => bench.Folder.Write("m.onnx", Noise()),
            "truncated" => bench.Folder.Write("m.onnx", good[..(good.Length / 2)]),
            "operator" => bench.Folder.Write(
                "m.onnx",
                new TinyOnnx().Input("x", Element.Float, 1).Output("y", Element.Float, 1).Node("NoSuchOperator", ["x"], ["y"])
            ),
            "opset" => bench.Folder.Write(
                "m.onnx",
                new TinyOnnx(opset: 99).Input("x", Element.Float, 1).Output("y", Element.Float, 1).Node("Relu", ["x"], ["y"])
            ),
            "unconnected" => bench.Folder.Write(
                "m.onnx",
                new TinyOnnx().Input("x", Element.Float, 1).Output("y", Element.Float, 1).Node("Relu", ["z"], ["y"])
            ),
            "int4" => bench.Folder.Write(
                "m.onnx",
                new TinyOnnx(21).Input("x", Element.Int4, 2).Output("y", Element.Int4, 2).Node("Identity", ["x"], ["y"])
            ),
            "outside" => bench.Folder.Write("m.onnx", External("../weights.bin")),
            "external" => bench.Folder.Write("m.onnx", External("weights.bin")),
            "large" => bench.Folder.Write(
                "m.onnx",
                new TinyOnnx()
                    .Input("x", Element.Float, 1)
                    .Output("y", Element.Float, 300_000)
                    .Constant("w", new float[300_000], 300_000)
                    .Node("Add", ["x", "w"], ["y"])
            ),
            "extension" => bench.Folder.Write("m.pth", good),
            _ => bench.Folder.Write("m.plan", "ftrt, and what TensorRT alone reads"u8.ToArray()),
        };

        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => bench.Load(path));
        Assert.Equal(expected, refused.Kind);
        Assert.Contains(text, refused.Message, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain('\n', refused.Message);
        Assert.Empty(bench.Driver.Alive());
        Assert.Equal(0, bench.Driver.Snapshot(0).BytesInUse);

        ModuleInstance instance = bench.Load(bench.Folder.Write("good.onnx", good));
        Assert.Equal([2, 3, 4, 5], Workbench.Floats(Workbench.Forward(instance, Workbench.Floats("x", [1, 4], 1, 2, 3, 4))[0]));
    }

    [Fact]
    public void Every_truncation_of_a_real_model_is_refused_or_loads_whole()
    {
        byte[] bytes = TinyModels.Scale(3).ToBytes();
        using var bench = new Workbench();
        for (int length = 0; length < bytes.Length; length++)
        {
            string path = bench.Folder.Write($"{length}.onnx", bytes[..length]);
            Exception? trouble = Record.Exception(() => bench.Load(path));
            Assert.True(trouble is null or ModuleLoadException, $"cut at {length}: {trouble}");
        }
    }

    [Fact]
    public void A_cancelled_load_leaves_nothing()
    {
        using var bench = new Workbench();
        string path = bench.Folder.Write("m.onnx", TinyModels.AddOne());
        var source = new ModuleSource(new ModelReference("m"), path);
        Assert.ThrowsAny<OperationCanceledException>(() =>
            bench.Platform.Load(source, 0, new InstanceOptions(), new CancellationToken(canceled: true))
        );
        Assert.Empty(bench.Driver.Alive());
    }

    private static TinyOnnx External(string location) =>
        new TinyOnnx()
            .Input("x", Element.Float, 4)
            .Output("y", Element.Float, 4)
            .External("w", Element.Float, location, 16, 4)
            .Node("Add", ["x", "w"], ["y"]);

    private static byte[] Noise()
    {
        byte[] bytes = new byte[4096];
        new Random(7).NextBytes(bytes);
        return bytes;
    }
}
