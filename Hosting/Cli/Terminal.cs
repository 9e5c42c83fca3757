using System.Text.Json.Serialization.Metadata;
using Spectre.Console;
using Spectre.Console.Rendering;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Cli;

/// <summary>Where a command prints: results to standard output, remarks to standard error, tables or JSON as asked.</summary>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
/// <param name="json">Machine output: no tables and no progress, one JSON document on the last line.</param>
internal sealed class Terminal(TextWriter output, TextWriter error, bool json)
{
    private const int WidthWhenRedirected = 200;

    private const int MostNames = 4;

    private readonly IAnsiConsole _console = Open(output, Console.IsOutputRedirected);
    private readonly IAnsiConsole _errorConsole = Open(error, Console.IsErrorRedirected);

    public bool Json => json;

    /// <summary>Progress goes to standard error, so that output stays clean when it is piped.</summary>
    public IAnsiConsole Progress => _errorConsole;

    public void Write(IRenderable renderable) => _console.Write(renderable);

    public void Line(string text) => output.WriteLine(text);

    /// <summary>A remark for people; not part of the result.</summary>
    public void Remark(string text)
    {
        if (!json)
        {
            error.WriteLine(text);
        }
    }

    public void Document<T>(T value, JsonTypeInfo<T> type) => output.WriteLine(JsonDialect.Line(value, type));

    /// <summary>An answer in the form that was asked for: JSON, or as <paramref name="show"/> shows it to people.</summary>
    public void Show<T>(T answer, JsonTypeInfo<T> type, Action<Terminal, T> show)
    {
        if (json)
        {
            Document(answer, type);
        }
        else
        {
            show(this, answer);
        }
    }

    /// <summary>Names in one cell: the first few, and how many there are.</summary>
    public static string Brief(IReadOnlyCollection<string> names) =>
        names.Count <= MostNames ? string.Join(' ', names) : $"{string.Join(' ', names.Take(MostNames))} … ({names.Count})";

    /// <summary>An aligned table without a frame; columns whose name starts with <c>#</c> hold numbers and lean right.</summary>
    public void Table(IReadOnlyList<string> columns, IEnumerable<IReadOnlyList<string>> rows)
    {
        Table table = new() { Border = TableBorder.Simple, UseSafeBorder = true };
        foreach (string column in columns)
        {
            bool number = column.StartsWith('#');
            TableColumn header = new TableColumn(Markup.Escape(number ? column[1..] : column)).NoWrap();
            table.AddColumn(number ? header.RightAligned() : header);
        }

        foreach (IReadOnlyList<string> row in rows)
        {
            table.AddRow([.. row.Select(cell => new Text(cell))]);
        }

        _console.Write(table);
    }

    private static IAnsiConsole Open(TextWriter writer, bool redirected)
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(writer) });
        if (redirected)
        {
            console.Profile.Width = WidthWhenRedirected;
        }

        return console;
    }
}
