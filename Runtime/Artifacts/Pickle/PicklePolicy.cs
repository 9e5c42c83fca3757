namespace Troupe.Runtime.Artifacts.Pickle;

/// <summary>Which globals a pickle of one kind of file may name. Everything else is refused by name.</summary>
internal sealed class PicklePolicy
{
    /// <summary>The engine constant of an exported program: one call of one function.</summary>
    public static readonly PicklePolicy EngineConstant = new(
        "an engine constant",
        false,
        static (module, name) => IsReconstruct(module, name)
    );

    /// <summary>A saved script object: one engine.</summary>
    public static readonly PicklePolicy ScriptObject = new(
        "a saved script object",
        false,
        static (module, name) => IsEngine(module, name) || IsTypeTag(module, name)
    );

    /// <summary>The objects of a TorchScript module: its own classes, engines, and weights by reference into the archive.</summary>
    public static readonly PicklePolicy ScriptModule = new(
        "a TorchScript module",
        true,
        static (module, name) => IsEngine(module, name) || IsTypeTag(module, name) || IsModuleClass(module) || IsTensor(module, name)
    );

    private readonly Func<string, string, bool> _allows;

    private PicklePolicy(string what, bool allowsReferences, Func<string, string, bool> allows)
    {
        What = what;
        AllowsReferences = allowsReferences;
        _allows = allows;
    }

    public string What { get; }

    /// <summary>Persistent ids: tensors kept beside the pickle.</summary>
    public bool AllowsReferences { get; }

    public bool Allows(string module, string name) => _allows(module, name);

    public static bool IsReconstruct(string module, string name) =>
        module == "torch_tensorrt.dynamo.runtime._TRTEngine" && name == "_reconstruct_trt_engine";

    public static bool IsEngine(string module, string name) => module == "__torch__.torch.classes.tensorrt" && name == "Engine";

    /// <summary>The mark TorchScript puts around typed lists and dictionaries; its first argument is the value.</summary>
    public static bool IsTypeTag(string module, string name) => module == "torch.jit._pickle" && name == "restore_type_tag";

    private static bool IsModuleClass(string module) =>
        (module == "__torch__" || module.StartsWith("__torch__.", StringComparison.Ordinal))
        && !module.StartsWith("__torch__.torch.classes", StringComparison.Ordinal);

    private static bool IsTensor(string module, string name) =>
        (module, name) switch
        {
            ("torch._utils", "_rebuild_tensor_v2") or ("collections", "OrderedDict") => true,
            ("torch.jit._pickle", "build_intlist" or "build_doublelist" or "build_boollist" or "build_tensorlist") => true,
            (
                "torch",
                "FloatStorage"
                    or "DoubleStorage"
                    or "HalfStorage"
                    or "BFloat16Storage"
                    or "LongStorage"
                    or "IntStorage"
                    or "ShortStorage"
                    or "CharStorage"
                    or "ByteStorage"
                    or "BoolStorage"
            ) => true,
            _ => false,
        };
}
