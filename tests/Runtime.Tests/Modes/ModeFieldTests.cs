using System.Reflection;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

/// <summary>What must be true of the entry of every mode, so that nothing else need be tested of a new one but the place where it
/// acts.</summary>
public class ModeFieldTests
{
    [Fact]
    public void Every_value_of_a_change_and_of_settings_has_an_entry()
    {
        Assert.Equal(Knobs(typeof(ModeChange)), ModeField.All.Select(field => ModeSpelling.Key(field.Name)).Order());
        Assert.Equal(Knobs(typeof(ModeSettings)), ModeField.All.Select(field => ModeSpelling.Key(field.Name)).Order());
    }

    [Fact]
    public void No_two_entries_have_a_name_in_common_and_each_is_found_in_every_spelling()
    {
        Assert.Equal(ModeField.All.Count, ModeField.All.Select(field => ModeSpelling.Key(field.Name)).Distinct().Count());
        foreach (ModeField field in ModeField.All)
        {
            Assert.Equal(field.Name, field.Name.ToLowerInvariant());
            Assert.Same(field, ModeField.Find(field.Name));
            Assert.Same(field, ModeField.Find(field.Name.Replace('-', '_')));
            Assert.Same(field, ModeField.Find(field.Name.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant()));
        }
    }

    [Fact]
    public void An_entry_touches_its_own_value_alone()
    {
        ModeSettings other = Other();
        foreach (ModeField field in ModeField.All)
        {
            ModeSettings changed = field.Apply(ModeSettings.Default, ModeField.ChangeTo(other));
            Assert.All(ModeField.All, any => Assert.Equal(any == field, any.Differs(changed, ModeSettings.Default)));
            Assert.Equal(ModeSettings.Default, field.Reset(changed));
            Assert.Equal(changed, field.Apply(ModeSettings.Default, field.Set(ModeChange.None, other)));

            ModeChange only = field.Overlay(ModeChange.None, ModeField.ChangeTo(other));
            Assert.All(ModeField.All, any => Assert.Equal(any == field, any.IsSet(only)));
            Assert.Equal(ModeChange.None, field.Overlay(only, ModeChange.None));
        }
    }

    [Fact]
    public void The_words_of_a_schema_are_values()
    {
        foreach (ModeField field in ModeField.All)
        {
            Assert.NotEmpty(field.Documentation);
            Assert.All(field.Schema.Words, word => Assert.Equal(word, field.Text(field.Read(ModeChange.None, word)!)));
            Assert.All(field.Schema.Words, word => Assert.Contains(word, field.Form, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void The_readme_has_a_row_for_every_entry_and_no_other()
    {
        string[] rows =
        [
            .. File.ReadLines(Path.Combine(Root(), "README.md"))
                .SkipWhile(line => !line.StartsWith("| mode | values | held by |", StringComparison.Ordinal))
                .Skip(2)
                .TakeWhile(line => line.StartsWith('|')),
        ];
        Assert.Equal(
            ModeField.All.Select(field =>
                $"| `{field}` | {field.Form} | {ModeSpelling.Of(field.Holder.ToString())} | {field.Documentation} |"
            ),
            rows
        );
    }

    /// <summary>A value other than the default for every mode.</summary>
    private static ModeSettings Other() =>
        ModeField.All.Aggregate(
            ModeSettings.Default,
            static (settings, field) =>
            {
                ModeChange change = field
                    .Schema.Words.Append("7")
                    .Select(word => field.Read(ModeChange.None, word))
                    .First(change => change is not null && field.Differs(field.Apply(settings, change), settings))!;
                return field.Apply(settings, change);
            }
        );

    /// <summary>The runtime settings count as what they consist of, and their cache by its mode's name.</summary>
    private static IEnumerable<string> Knobs(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(property =>
                property.Name == nameof(ModeChange.RuntimeSettings)
                    ? ["KernelSpecialization", "GraphStrategy", "RuntimeCache"]
                    : new[] { property.Name }
            )
            .Select(ModeSpelling.Key)
            .Order();

    private static string Root()
    {
        DirectoryInfo? folder = new(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository.");
    }
}
