using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;

namespace Troupe.Runtime.Artifacts.Records;

/// <summary>Finds the strings of an engine record in what a pickle describes.</summary>
internal static class EngineState
{
    /// <summary>From the call of <c>_reconstruct_trt_engine</c> or a script object of class Engine.</summary>
    public static EngineRecord Record(PickleValue value, string where)
    {
        if (value is not PickleValue.Made made)
        {
            throw ArtifactException.Corrupt(where, $"the pickle describes {value.Kind}, not an engine");
        }

        if (PicklePolicy.IsReconstruct(made.By.Module, made.By.Name))
        {
            return made.State is null && made.Arguments.Items is [PickleValue.Sequence only]
                ? EngineRecord.Parse(Fields(only, where), where)
                : throw ArtifactException.Corrupt(where, "_reconstruct_trt_engine takes one list");
        }

        return made.Arguments.Items.Count == 0 && made.State is PickleValue.Sequence state
            ? EngineRecord.Parse(Fields(state, where), where)
            : throw ArtifactException.Corrupt(where, $"{made.Kind} has no list of strings as its state");
    }

    private static List<ReadOnlyMemory<byte>> Fields(PickleValue.Sequence state, string where)
    {
        // Writers wrap the list once more: (strings,) or (strings, class name).
        PickleValue.Sequence strings =
            state.IsTuple && state.Items is [PickleValue.Sequence inner, ..] && state.Items.Count <= 2 ? inner : state;
        if (strings.Items.Count > RecordLayout.MostFields)
        {
            throw new ArtifactException(
                ArtifactFault.WrongAbi,
                where,
                $"the engine record has {strings.Items.Count} fields; ABI {RecordLayout.NewestAbi} has {RecordLayout.MostFields}",
                "Save the model again with a torch_tensorrt release up to 2.14."
            );
        }

        var fields = new List<ReadOnlyMemory<byte>>(strings.Items.Count);
        foreach (PickleValue item in strings.Items)
        {
            fields.Add(
                item is PickleValue.Text text
                    ? text.Utf8
                    : throw ArtifactException.Corrupt(where, $"field {fields.Count} of the engine record is {item.Kind}, not a text")
            );
        }

        return fields;
    }
}
