using System.Globalization;
using Troupe.Runtime.Artifacts.Parsing;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>One tensor of a loaded engine, as its back end names it.</summary>
public readonly record struct EngineBinding(string Name, bool IsInput);

/// <summary>Puts an engine's tensors into the order of the call: by the names a record gives, or by the index at the end of their own
/// names.</summary>
/// <remarks>Counterpart of TensorRTBindingNames.h and the name checks of TRTEngine; works for any back end.</remarks>
public sealed record BindingNames(IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs)
{
    /// <summary>Checks the given names against the engine, or infers them when both lists are empty.</summary>
    /// <exception cref="ArtifactException">A name is not the engine's, or stands on the wrong side, or an inferred order has
    /// gaps.</exception>
    public static BindingNames Resolve(
        IReadOnlyList<string> inputs,
        IReadOnlyList<string> outputs,
        IReadOnlyList<EngineBinding> engine,
        string where
    )
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(outputs);
        ArgumentNullException.ThrowIfNull(engine);
        if (inputs.Count == 0 && outputs.Count == 0)
        {
            return new BindingNames(Infer(engine, true, where), Infer(engine, false, where));
        }

        Check(inputs, engine, true, where);
        Check(outputs, engine, false, where);
        foreach (EngineBinding binding in engine)
        {
            if (!(binding.IsInput ? inputs : outputs).Contains(binding.Name))
            {
                throw Wrong(
                    where,
                    $"the engine has the {Side(binding.IsInput)} '{Shown.Of(binding.Name)}' that is not among the given names",
                    "Name every input and output of the engine."
                );
            }
        }

        return new BindingNames([.. inputs], [.. outputs]);
    }

    /// <summary>As <see cref="Resolve"/> without names, but an engine whose tensors follow no such convention keeps its own
    /// order.</summary>
    public static BindingNames InferOrKeep(IReadOnlyList<EngineBinding> engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        try
        {
            return Resolve([], [], engine, "");
        }
        catch (ArtifactException noConvention) when (noConvention.Fault == ArtifactFault.WrongBindings)
        {
            return new BindingNames(
                [.. engine.Where(binding => binding.IsInput).Select(binding => binding.Name)],
                [.. engine.Where(binding => !binding.IsInput).Select(binding => binding.Name)]
            );
        }
    }

    /// <summary>The index after the last <c>.</c> or <c>_</c>; null where there is none.</summary>
    internal static int? TrailingIndex(string name)
    {
        int mark = name.AsSpan().LastIndexOfAny('.', '_');
        return mark >= 0 && int.TryParse(name.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int index)
            ? index
            : null;
    }

    private static void Check(IReadOnlyList<string> names, IReadOnlyList<EngineBinding> engine, bool isInput, string where)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!seen.Add(name))
            {
                throw Wrong(
                    where,
                    $"'{Shown.Of(name)}' stands twice among the {Side(isInput)} names",
                    "Name every tensor of the engine once."
                );
            }

            int place = -1;
            for (int i = 0; i < engine.Count && place < 0; i++)
            {
                place = engine[i].Name == name ? i : -1;
            }

            if (place < 0)
            {
                throw Wrong(
                    where,
                    $"Could not find a TensorRT engine binding for {Side(isInput)} named {Shown.Of(name)}",
                    $"The engine has: {Listed(engine)}."
                );
            }

            if (engine[place].IsInput != isInput)
            {
                throw Wrong(
                    where,
                    $"Binding {Shown.Of(name)} specified as {Side(isInput)} but found as {Side(!isInput)} in TensorRT engine",
                    $"The engine has: {Listed(engine)}."
                );
            }
        }
    }

    private static string[] Infer(IReadOnlyList<EngineBinding> engine, bool isInput, string where)
    {
        const string Fix = "Give the input and output names in the order of the call.";
        var byIndex = new SortedDictionary<int, string>();
        foreach (EngineBinding binding in engine)
        {
            if (binding.IsInput != isInput)
            {
                continue;
            }

            int index =
                TrailingIndex(binding.Name)
                ?? throw Wrong(
                    where,
                    $"no names are given, and the {Side(isInput)} '{Shown.Of(binding.Name)}' does not end in an index after '.' or '_'",
                    Fix
                );
            if (!byIndex.TryAdd(index, binding.Name))
            {
                throw Wrong(
                    where,
                    $"no names are given, and the {Side(isInput)}s '{Shown.Of(byIndex[index])}' and '{Shown.Of(binding.Name)}' both end in index {index}",
                    Fix
                );
            }
        }

        int expected = 0;
        foreach (int index in byIndex.Keys)
        {
            if (index != expected++)
            {
                throw Wrong(
                    where,
                    $"no names are given, and no {Side(isInput)} ends in index {expected - 1} while '{Shown.Of(byIndex[index])}' ends in {index}",
                    Fix
                );
            }
        }

        return [.. byIndex.Values];
    }

    private static string Side(bool isInput) => isInput ? "input" : "output";

    private static string Listed(IReadOnlyList<EngineBinding> engine) =>
        string.Join(", ", engine.Take(32).Select(binding => $"{Side(binding.IsInput)} {Shown.Of(binding.Name)}"));

    private static ArtifactException Wrong(string where, string what, string fix) => new(ArtifactFault.WrongBindings, where, what, fix);
}
