using System.Reflection;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Troupe.Hosting.Options;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Startup;

/// <summary>Says where ONNX Runtime's libraries lie: in a folder the operator names, else beside the executable.</summary>
/// <remarks>Set once, before anything touches ONNX Runtime: its first call loads the library for the life of the process.</remarks>
internal static class NativeLibraries
{
    private static string? _folder = Environment.GetEnvironmentVariable(OptionKeys.NativeLibraries.Variable) is { Length: > 0 } named
        ? named
        : null;

    /// <summary>Has ONNX Runtime's libraries looked for by this class; called first of all.</summary>
    public static void Install()
    {
        // ONNX Runtime would set a resolver of its own, and an assembly has only one.
        OrtEnv.DisableDllImportResolver = true;
        NativeLibrary.SetDllImportResolver(typeof(OrtEnv).Assembly, Resolve);
        NativeLibrary.SetDllImportResolver(typeof(IPlatform).Assembly, ResolveIfThere);
    }

    /// <summary>Looks into this folder from now on; null leaves it as it is.</summary>
    public static void UseFolder(string? folder) => _folder = folder ?? _folder;

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (_folder is not { } folder)
        {
            // The ordinary way: beside the executable, or where the package put it.
            return 0;
        }

        string file = FileOf(folder, name);
        return NativeLibrary.TryLoad(file, out nint library)
            ? library
            : throw new DllNotFoundException(
                $"'{file}' cannot be loaded, where {OptionKeys.NativeLibraries.Switch} or {OptionKeys.NativeLibraries.Variable} says ONNX Runtime's libraries lie"
            );
    }

    /// <summary>Troupe's runtime binds calls of ONNX Runtime too, and others that are not in that folder.</summary>
    private static nint ResolveIfThere(string name, Assembly assembly, DllImportSearchPath? path) =>
        _folder is { } folder && NativeLibrary.TryLoad(FileOf(folder, name), out nint library) ? library : 0;

    private static string FileOf(string folder, string name) => Path.Combine(folder, $"lib{Path.GetFileNameWithoutExtension(name)}.so");
}
