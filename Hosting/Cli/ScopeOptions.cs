using System.CommandLine;
using Troupe.Hosting.Http.Admin;

namespace Troupe.Hosting.Cli;

/// <summary>The selectors of a scope as options; none is the cluster.</summary>
internal sealed class ScopeOptions
{
    private readonly Option<string?> _node = new("--node") { Description = "Only on this node.", HelpName = "ADDR" };
    private readonly Option<string?> _gpu = new("--gpu") { Description = "Only on this device, host:port/ORDINAL.", HelpName = "ID" };
    private readonly Option<string?> _model = new("--model")
    {
        Description = "Only for this model, NAME or NAME/VERSION.",
        HelpName = "MODEL",
    };
    private readonly Option<string?> _session = new("--session") { Description = "Only for this session.", HelpName = "ID" };

    /// <param name="ofPlaces">Whether nodes and devices may be chosen.</param>
    public ScopeOptions(Command command, bool ofPlaces = true)
    {
        if (ofPlaces)
        {
            command.Options.Add(_node);
            command.Options.Add(_gpu);
        }

        command.Options.Add(_model);
        command.Options.Add(_session);
    }

    public ScopeDocument Document(ParseResult parsed) =>
        new(Value(parsed, _node), Value(parsed, _gpu), parsed.GetValue(_model), parsed.GetValue(_session));

    public string Query(ParseResult parsed)
    {
        ScopeDocument scope = Document(parsed);
        string query = string.Join(
            '&',
            new[] { ("node", scope.Node), ("gpu", scope.Gpu), ("model", scope.Model), ("session", scope.Session) }
                .Where(selector => selector.Item2 is not null)
                .Select(selector => $"{selector.Item1}={Uri.EscapeDataString(selector.Item2!)}")
        );
        return query.Length == 0 ? "" : "?" + query;
    }

    /// <summary>Null also where the command has not got the option.</summary>
    private static string? Value(ParseResult parsed, Option<string?> option) =>
        parsed.GetResult(option) is null ? null : parsed.GetValue(option);
}
