using System.Text;
using System.Text.RegularExpressions;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.TorchScript;

/// <summary>Reads the engines out of a TorchScript module, and refuses a module whose code calls anything but engines.</summary>
internal static partial class TorchScriptReader
{
    private const string ExecuteEngine = "ops.tensorrt.execute_engine";

    public static IReadOnlyList<ArtifactEngine> Read(ZipFile archive, ArtifactLimits limits)
    {
        RefuseOtherOperators(archive, limits);
        var walk = new ScriptObjectWalk(archive.Where);
        walk.Collect(Unpickle(archive, "data.pkl", limits), "", archive.Place("data.pkl"));
        if (archive.Has("constants.pkl"))
        {
            walk.Collect(Unpickle(archive, "constants.pkl", limits), "CONSTANTS", archive.Place("constants.pkl"));
        }

        return walk.Engines.Count > 0 ? walk.Engines
            : throw ArtifactException.Missing(archive.Where, "the TorchScript module holds no TensorRT engine");
    }

    private static PickleValue Unpickle(ZipFile archive, string name, ArtifactLimits limits) =>
        PickleReader.Read(archive.Read(name), PicklePolicy.ScriptModule, limits, archive.Place(name));

    private static void RefuseOtherOperators(ZipFile archive, ArtifactLimits limits)
    {
        var others = new SortedSet<string>(StringComparer.Ordinal);
        bool callsEngines = false;
        foreach (string name in archive.Names.Where(static name => name.StartsWith("code/", StringComparison.Ordinal) && name.EndsWith(".py", StringComparison.Ordinal)))
        {
            ReadOnlyMemory<byte> code = archive.Read(name);
            if (code.Length > limits.MetadataBytes)
            {
                throw ArtifactException.TooLarge(archive.Place(name), $"the code has {code.Length} bytes");
            }

            string text = Encoding.UTF8.GetString(code.Span);
            foreach (ValueMatch match in Operators().EnumerateMatches(text))
            {
                string operation = Shown.Of(text.AsSpan(match.Index, match.Length).TrimEnd("( ").ToString());
                callsEngines |= operation == ExecuteEngine;
                if (operation != ExecuteEngine)
                {
                    others.Add($"{operation} in {name}");
                }
            }
        }

        if (others.Count > 0)
        {
            throw UnsupportedNodes.Refusal(archive.Where, [.. others]);
        }

        if (!callsEngines)
        {
            throw ArtifactException.Missing(archive.Where, $"the TorchScript code never calls {ExecuteEngine}");
        }
    }

    /// <summary>Calls of operators in serialized TorchScript: <c>ops.namespace.name(</c> and <c>torch.name(</c>.</summary>
    [GeneratedRegex(@"(?<![\w.])(?:ops|torch)\.[A-Za-z_][\w.]* *\(", RegexOptions.CultureInvariant)]
    private static partial Regex Operators();
}
