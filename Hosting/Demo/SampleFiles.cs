namespace Troupe.Hosting.Demo;

/// <summary>Where the shipped samples lie: beside the executable, whatever the current folder is.</summary>
internal static class SampleFiles
{
    public static string Root { get; } = Path.Combine(AppContext.BaseDirectory, "Samples");

    /// <summary>A model repository: <c>NAME/VERSION/model.onnx</c>.</summary>
    public static string Models { get; } = Path.Combine(Root, "models");

    public static string FashionMnistModel { get; } = Path.Combine(Models, "fmnist", "1", "model.onnx");

    public static string FashionMnistImages { get; } = Path.Combine(Root, "fashion-mnist", "t10k-first200-images-idx3-ubyte");

    public static string FashionMnistLabels { get; } = Path.Combine(Root, "fashion-mnist", "t10k-first200-labels-idx1-ubyte");

    public static string FaceModel { get; } = Path.Combine(Models, "blazeface", "1", "model.onnx");

    public static string Portrait { get; } = Path.Combine(Root, "faces", "grace_hopper.jpg");
}
