using System.CommandLine;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Cli;

/// <summary>The options every client command has: which node, how long to wait, and the form of the output.</summary>
internal sealed class ClientOptions
{
    private readonly Option<string> _url = new("--url")
    {
        Description = $"Address of a node. Default {NodeClient.DefaultUrl}. [{OptionVariables.Url}]",
        HelpName = "URL",
        DefaultValueFactory = _ =>
            Environment.GetEnvironmentVariable(OptionVariables.Url) is { Length: > 0 } named ? named : NodeClient.DefaultUrl,
    };
    private readonly Option<string> _timeout = new("--timeout")
    {
        Description = "How long to wait for an answer. Default 60s.",
        HelpName = "TIME",
        DefaultValueFactory = _ => "60s",
    };
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON on the last line instead of a table." };

    public ClientOptions(Command command)
    {
        command.Options.Add(_url);
        command.Options.Add(_timeout);
        command.Options.Add(_json);
    }

    public Terminal Terminal(ParseResult parsed) =>
        new(parsed.InvocationConfiguration.Output, parsed.InvocationConfiguration.Error, parsed.GetValue(_json));

    public string Url(ParseResult parsed) => parsed.GetValue(_url)!;

    public TimeSpan Timeout(ParseResult parsed)
    {
        string text = parsed.GetValue(_timeout)!;
        return Quantities.TryParseTime(text, out TimeSpan timeout) && timeout > TimeSpan.Zero
            ? timeout
            : throw new CliException(ExitCode.Usage, $"--timeout: '{text}': {Quantities.TimeForm}");
    }

    /// <param name="atMost">No longer than this, whatever was written.</param>
    public NodeClient Client(ParseResult parsed, TimeSpan? atMost = null)
    {
        TimeSpan timeout = Timeout(parsed);
        return new NodeClient(Url(parsed), atMost < timeout ? atMost.Value : timeout);
    }
}
