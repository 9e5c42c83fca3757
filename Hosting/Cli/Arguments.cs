using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Troupe.Hosting.Cli;

/// <summary>Arguments and options that several commands have, each checked where it is read and refused in one plain line.</summary>
internal static class Arguments
{
    /// <summary>An argument that may not be empty: it stands in a path.</summary>
    public static Argument<string> Word(string name, string description)
    {
        Argument<string> argument = new(name) { Description = description };
        argument.Validators.Add(result => RefuseEmpty(result, name));
        return argument;
    }

    /// <summary>As <see cref="Word"/>, and may be left out.</summary>
    public static Argument<string?> OptionalWord(string name, string description)
    {
        Argument<string?> argument = new(name) { Description = description, Arity = ArgumentArity.ZeroOrOne };
        argument.Validators.Add(result => RefuseEmpty(result, name));
        return argument;
    }

    /// <summary><c>--model-version</c></summary>
    public static Option<int?> Version(string description) =>
        new("--model-version")
        {
            Description = description,
            HelpName = "N",
            CustomParser = result => Number(result, 1),
        };

    /// <summary>Ordinals of devices.</summary>
    public static int[] Numbers(ArgumentResult result) => [.. result.Tokens.Select(token => Number(result, token.Value, 0, int.MaxValue))];

    /// <summary>A whole number from <paramref name="least"/> to <paramref name="most"/>; one problem, and 0, where it is none.</summary>
    public static int Number(ArgumentResult result, int least, int most = int.MaxValue) =>
        Number(result, result.Tokens is [var token, ..] ? token.Value : "", least, most);

    private static int Number(ArgumentResult result, string text, int least, int most)
    {
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most)
        {
            return number;
        }

        string range = most == int.MaxValue ? $"of at least {least}" : $"from {least} to {most}";
        result.AddError($"{(result.Parent as OptionResult)?.Option.Name}: '{text}': write a whole number {range}.");
        return 0;
    }

    private static void RefuseEmpty(ArgumentResult result, string name)
    {
        if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
        {
            result.AddError($"{name} is empty.");
        }
    }
}
