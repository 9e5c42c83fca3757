using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>Modes as people and other programs write them: a name and a value, both text; the same words on the command line, over HTTP and
/// in request parameters.</summary>
public static class ModeText
{
    /// <summary>The prefix of modes among the parameters of a V2 request, e.g. <c>troupe_cuda_graphs</c>.</summary>
    public const string ParameterPrefix = "troupe_";

    /// <summary><paramref name="change"/> with one more mode set; false, with what is wrong in <paramref name="error"/>, for an unknown
    /// name or value, and for a mode that is set already: which of the two should hold?</summary>
    public static bool TryAdd(ref ModeChange change, string name, string value, out string error)
    {
        if (ModeField.Find(name) is not { } field)
        {
            error = Unknown(name);
            return false;
        }

        if (field.IsSet(change))
        {
            error = $"the mode '{field}' is given twice";
            return false;
        }

        if (field.Read(change, value) is not { } added)
        {
            error = $"mode '{field}' has no value '{value}'; it is {field.Form}";
            return false;
        }

        change = added;
        error = "";
        return true;
    }

    /// <summary>A change that sets the named modes, to whatever; false for an unknown name, and for none.</summary>
    public static bool TryName(IReadOnlyList<string> names, out ModeChange change, out string error)
    {
        change = ModeChange.None;
        error = names.Count == 0 ? "no mode is named; name at least one" : "";
        foreach (string name in names)
        {
            if (ModeField.Find(name) is not { } field)
            {
                error = Unknown(name);
                break;
            }

            change = field.Set(change, ModeSettings.Default);
        }

        return error.Length == 0;
    }

    /// <summary>The modes a change sets, in the order of <see cref="ModeField.All"/>; <see cref="TryAdd"/> reads them back.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Write(ModeChange change)
    {
        foreach (ModeField field in ModeField.All)
        {
            if (field.Text(change) is { } value)
            {
                yield return KeyValuePair.Create(field.Name, value);
            }
        }
    }

    private static string Unknown(string name) => $"there is no mode '{name}'; there are {string.Join(", ", ModeField.All)}";
}
