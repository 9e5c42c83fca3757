namespace Troupe.TestSupport.Onnx;

/// <summary>A folder of module files for one test; gone with it.</summary>
public sealed class ModuleFolder : IDisposable
{
    public ModuleFolder() => Path = Directory.CreateTempSubdirectory("troupe-module-").FullName;

    public string Path { get; }

    public string Write(string name, TinyOnnx model) => model.Save(System.IO.Path.Combine(Path, name));

    public string Write(string name, string text)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllText(path, text);
        return path;
    }

    public string Write(string name, byte[] bytes)
    {
        string path = System.IO.Path.Combine(Path, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
