using System.Text.Json;

namespace Troupe.Hosting.Options;

/// <summary>One value as an operator wrote it, and where, so that a problem can name the place.</summary>
internal readonly record struct WrittenValue(string Text, string Place);

/// <summary>Settings as written: the command line over the environment over a settings file. Not yet checked; <see cref="ServeSpec"/>
/// is.</summary>
internal sealed class ServeOptions
{
    /// <summary>Section of a settings file that holds them.</summary>
    public const string Section = "Troupe";

    /// <summary>Names the shape of the file to editors; the only other member that may stand in it.</summary>
    private const string Schema = "$schema";

    private const string Form = "{ \"Troupe\": { \"Http\": \"127.0.0.1:8000\" } }";

    private readonly Dictionary<OptionKey, IReadOnlyList<WrittenValue>> _values = [];

    /// <summary>Places where something unknown or unreadable stands, found while reading.</summary>
    public List<OptionProblem> Problems { get; } = [];

    public IReadOnlyList<WrittenValue> Values(OptionKey key) => _values.GetValueOrDefault(key, []);

    public WrittenValue? Value(OptionKey key) => Values(key) is [.., var last] ? last : null;

    /// <summary>Reads the three places. A key found in a nearer place hides the farther ones whole, lists too.</summary>
    /// <param name="commandLine">Values by switch.</param>
    /// <param name="environment">Every environment variable of the process.</param>
    /// <param name="settingsFile">A JSON file with a section <c>Troupe</c>; null reads none.</param>
    public static ServeOptions Read(
        Func<OptionKey, IReadOnlyList<string>> commandLine,
        IReadOnlyDictionary<string, string> environment,
        string? settingsFile
    )
    {
        ServeOptions options = new();
        if (settingsFile is not null)
        {
            options.ReadFile(settingsFile);
        }

        options.Problems.AddRange(
            OptionVariables
                .Unknown(environment)
                .Select(name => new OptionProblem(
                    $"{name} is not a variable that is read; known are {string.Join(", ", OptionKeys.All.Select(key => key.Variable))}",
                    IsMissingPath: false
                ))
        );
        foreach (OptionKey key in OptionKeys.All)
        {
            if (environment.GetValueOrDefault(key.Variable) is { Length: > 0 } variable)
            {
                string[] parts = key.IsList
                    ? variable.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                    : [variable];
                options._values[key] = [.. parts.Select(part => new WrittenValue(part, key.Variable))];
            }

            if (commandLine(key) is { Count: > 0 } written)
            {
                options._values[key] = [.. written.Select(text => new WrittenValue(text, key.Switch))];
            }
        }

        return options;
    }

    private void ReadFile(string path)
    {
        JsonDocumentOptions lenient = new() { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(File.ReadAllText(path), lenient);
        }
        catch (Exception trouble) when (trouble is JsonException or IOException or UnauthorizedAccessException)
        {
            Problems.Add(new OptionProblem($"{path}: {trouble.Message}", IsMissingPath: trouble is not JsonException));
            return;
        }

        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                Problem($"{path} is not an object; write {Form}");
                return;
            }

            foreach (JsonProperty section in document.RootElement.EnumerateObject())
            {
                ReadSection(path, section);
            }
        }
    }

    private void ReadSection(string path, JsonProperty section)
    {
        if (section.Name == Schema)
        {
            return;
        }

        if (!string.Equals(section.Name, Section, StringComparison.OrdinalIgnoreCase))
        {
            Problem($"{path}: {section.Name} is not a section that is read; settings stand in {Section}: {Form}");
        }
        else if (section.Value.ValueKind != JsonValueKind.Object)
        {
            Problem($"{path}: {Section} is not an object; write {Form}");
        }
        else
        {
            foreach (JsonProperty property in section.Value.EnumerateObject())
            {
                ReadSetting(path, property);
            }
        }
    }

    private void ReadSetting(string path, JsonProperty property)
    {
        string place = $"{path}: {Section}:{property.Name}";
        OptionKey? key = OptionKeys.All.FirstOrDefault(one =>
            string.Equals(one.Setting, property.Name, StringComparison.OrdinalIgnoreCase)
        );
        if (key is null)
        {
            Problem($"{place} is not a setting; known are {string.Join(", ", OptionKeys.All.Select(one => one.Setting))}");
            return;
        }

        JsonElement[] elements =
            property.Value.ValueKind == JsonValueKind.Array && key.IsList ? [.. property.Value.EnumerateArray()] : [property.Value];
        if (elements.Any(element => element.ValueKind is not (JsonValueKind.String or JsonValueKind.Number)))
        {
            Problem($"{place} is {property.Value.GetRawText()}; write a {(key.IsList ? "list of strings" : "string or a number")}");
            return;
        }

        if (Values(key).Count > 0)
        {
            Problem($"{place} is given twice; leave one");
            return;
        }

        _values[key] =
        [
            .. elements.Select(element => new WrittenValue(
                element.ValueKind == JsonValueKind.String ? element.GetString()! : element.GetRawText(),
                place
            )),
        ];
    }

    private void Problem(string text) => Problems.Add(new OptionProblem(text, IsMissingPath: false));
}
