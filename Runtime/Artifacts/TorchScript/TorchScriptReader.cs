using System.Text;
using System.Text.RegularExpressions;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.TorchScript;

/// <summary>Reads the engines out of a TorchScript module, and refuses a module whose code calls anything but engines.</summary>
internal static partial class TorchScriptReader
{
    private const string ExecuteEngine = "ops.tensorrt.execute_engine";

    /// <returns>The engines, and how many calls of engines the code makes: as many as are written, and one more for each submodule that is
    /// called again.</returns>
    public static (IReadOnlyList<ArtifactEngine> Engines, int Calls) Read(ZipFile archive, ArtifactLimits limits)
    {
        int calls = CountCalls(archive, limits);
        var walk = new ScriptObjectWalk(archive.Where);
        walk.Collect(Unpickle(archive, "data.pkl", limits), "", archive.Place("data.pkl"));
        if (archive.Has("constants.pkl"))
        {
            walk.Collect(Unpickle(archive, "constants.pkl", limits), "CONSTANTS", archive.Place("constants.pkl"));
        }

        return walk.Engines.Count > 0
            ? (walk.Engines, calls)
            : throw ArtifactException.Missing(archive.Where, "the TorchScript module holds no TensorRT engine");
    }

    private static PickleValue Unpickle(ZipFile archive, string name, ArtifactLimits limits) =>
        PickleReader.Read(archive.Read(name), PicklePolicy.ScriptModule, limits, archive.Place(name));

    private static int CountCalls(ZipFile archive, ArtifactLimits limits)
    {
        var others = new SortedSet<string>(StringComparer.Ordinal);
        int engineCalls = 0,
            methodCalls = 0,
            methods = 0;
        foreach (
            string name in archive.Names.Where(static name =>
                name.StartsWith("code/", StringComparison.Ordinal) && name.EndsWith(".py", StringComparison.Ordinal)
            )
        )
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
                if (operation == ExecuteEngine)
                {
                    engineCalls++;
                }
                else
                {
                    others.Add($"{operation} in {name}");
                }
            }

            methodCalls += MethodCalls().Count(text);
            methods += Methods().Count(text);
        }

        if (others.Count > 0)
        {
            throw UnsupportedNodes.Refusal(archive.Where, [.. others]);
        }

        // Each method but the outermost is called by one other; whatever is more runs some engine again.
        return engineCalls > 0
            ? engineCalls + Math.Max(0, methodCalls - Math.Max(0, methods - 1))
            : throw ArtifactException.Missing(archive.Where, $"the TorchScript code never calls {ExecuteEngine}");
    }

    /// <summary>Calls of operators in serialized TorchScript: <c>ops.namespace.name(</c> and <c>torch.name(</c>.</summary>
    [GeneratedRegex(@"(?<![\w.])(?:ops|torch)\.[A-Za-z_][\w.]* *\(", RegexOptions.CultureInvariant)]
    private static partial Regex Operators();

    [GeneratedRegex(@"\.forward[0-9]*\(", RegexOptions.CultureInvariant)]
    private static partial Regex MethodCalls();

    [GeneratedRegex(@"\bdef forward[0-9]*\(", RegexOptions.CultureInvariant)]
    private static partial Regex Methods();
}
