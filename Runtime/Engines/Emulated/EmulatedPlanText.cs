using System.Globalization;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Puts an emulated plan into lines for people; one that is broken says so instead.</summary>
internal static class EmulatedPlanText
{
    public static IReadOnlyList<KeyValuePair<string, string>> Of(ReadOnlyMemory<byte> plan)
    {
        try
        {
            EmulatedPlan parts = EmulatedPlan.Read(plan, "plan");
            return
            [
                .. Lines(parts, EmulatedManifest.Read(parts.Manifest, "manifest"), parts.ReadGraph("plan"))
                    .Select(line => new KeyValuePair<string, string>(line.Name, line.Value)),
            ];
        }
        catch (ModuleLoadException broken)
        {
            return [new("broken", broken.Message)];
        }
    }

    private static IEnumerable<(string Name, string Value)> Lines(EmulatedPlan plan, EmulatedManifest manifest, OnnxGraph model)
    {
        yield return (
            "onnx",
            $"{manifest.Onnx}, {Text(plan.Onnx.Length)} bytes, opset {Text(model.Opset)}, {Text(model.Nodes.Count)} nodes, {Text(model.WeightBytes)} bytes of weights"
        );
        yield return ("onnxInputs", string.Join(", ", model.Inputs));
        for (int index = 0; index < manifest.Profiles.Count; index++)
        {
            yield return (
                $"profile[{Text(index)}]",
                string.Join(
                    ", ",
                    manifest.Profiles[index].Select(input => $"{input.Key} {input.Value.Min} to {input.Value.Max}, best {input.Value.Opt}")
                )
            );
        }

        yield return ("streamableBytes", Text(manifest.StreamableBytes));
        yield return ("workspaceBytes", Text(manifest.WorkspaceBytes));
        yield return ("shapeTensors", Listed(manifest.ShapeTensors));
        yield return ("aliases", Listed(manifest.Aliases.Select(alias => $"{alias.Output} = {alias.Input}")));
        yield return ("requiresOutputAllocator", YesNo(manifest.RequiresOutputAllocator));
        yield return ("rtx", YesNo(manifest.IsRtx));
    }

    private static string Listed(IEnumerable<string> entries) => string.Join(", ", entries) is { Length: > 0 } list ? list : "none";

    private static string YesNo(bool value) => value ? "yes" : "no";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
