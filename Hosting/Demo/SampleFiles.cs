using System.Reflection;

namespace Troupe.Hosting.Demo;

/// <summary>The shipped samples. They travel inside the assembly; those that something must read as files are written to a folder of this
/// process when first asked for.</summary>
/// <remarks><b>Owns</b> the folder until the process ends. <b>Thread</b> any.</remarks>
internal static class SampleFiles
{
    private const string Prefix = "Samples/";

    private static readonly Assembly Holder = typeof(SampleFiles).Assembly;

    private static readonly Lazy<string> Unpacked = new(Unpack);

    /// <summary>A model repository: <c>NAME/VERSION/model.onnx</c>.</summary>
    public static string Models => Path.Combine(Unpacked.Value, "models");

    public static string FashionMnistModel => Path.Combine(Models, "fmnist", "1", "model.onnx");

    public static byte[] FashionMnistModelBytes() => Read("models/fmnist/1/model.onnx");

    public static string FaceModel => Path.Combine(Models, "blazeface", "1", "model.onnx");

    public static byte[] FashionMnistImages() => Read("fashion-mnist/t10k-first200-images-idx3-ubyte");

    public static byte[] FashionMnistLabels() => Read("fashion-mnist/t10k-first200-labels-idx1-ubyte");

    public static byte[] Portrait() => Read("faces/grace_hopper.jpg");

    private static byte[] Read(string name)
    {
        using Stream stream =
            Holder.GetManifestResourceStream(Prefix + name)
            ?? throw new InvalidOperationException($"This build lacks the sample '{name}'.");
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static string Unpack()
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("troupe-samples-");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Delete(folder);
        foreach (
            string name in Holder.GetManifestResourceNames().Where(name => name.StartsWith(Prefix + "models/", StringComparison.Ordinal))
        )
        {
            string path = Path.Combine(folder.FullName, name[Prefix.Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(path, Read(name[Prefix.Length..]));
        }

        return folder.FullName;
    }

    private static void Delete(DirectoryInfo folder)
    {
        try
        {
            folder.Delete(recursive: true);
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            // What stays is in the temporary folder and is swept with it.
        }
    }
}
