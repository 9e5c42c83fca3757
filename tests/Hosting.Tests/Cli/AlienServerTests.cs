using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Cli;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Tests.Cli;

/// <summary>Client commands at a server that is no node: one line and a documented code, whatever it answers.</summary>
public sealed class AlienServerTests
{
    [Theory]
    [InlineData("<html>", "infer", "m", "--input", "x=y")]
    [InlineData("{}", "infer", "m", "--input", "x=y")]
    [InlineData("[]", "infer", "m", "--input", "x=y")]
    [InlineData("{\"inputs\":[{\"name\":1}]}", "infer", "m", "--input", "x=y")]
    [InlineData("{\"inputs\":[{\"name\":\"x\",\"datatype\":\"?\",\"shape\":[1]}]}", "infer", "m", "--input", "x=y")]
    [InlineData("{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[\"a\"]}]}", "infer", "m", "--input", "x=y")]
    [InlineData("<html>", "infer", "m", "--request", "REQUEST")]
    [InlineData("{}", "infer", "m", "--request", "REQUEST")]
    [InlineData("{\"outputs\":3}", "infer", "m", "--request", "REQUEST", "--json")]
    [InlineData("<html>", "devices")]
    [InlineData("[]", "nodes")]
    [InlineData("{\"models\":3}", "models", "list")]
    [InlineData("{\"x\":3}", "modes", "list")]
    [InlineData("<html>", "bench", "m", "--duration", "1s")]
    public async Task Its_answer_is_refused_in_one_line_without_the_name_of_a_type(string body, params string[] arguments)
    {
        string request = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(request, "{}", TestContext.Current.CancellationToken);
            await using KestrelListener server = await KestrelListener.StartAsync(
                new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
                context => Answer.BytesAsync(context, StatusCodes.Status200OK, Answer.Json, Encoding.UTF8.GetBytes(body)),
                NullLoggerFactory.Instance,
                TestContext.Current.CancellationToken
            );
            StringWriter output = new(),
                error = new();

            int exit = await TroupeCommand.RunAsync(
                [.. arguments.Select(one => one == "REQUEST" ? request : one), "--url", $"http://{server.Address}"],
                output,
                error,
                TestContext.Current.CancellationToken
            );

            Assert.Equal(((int)ExitCode.Refused, ""), (exit, output.ToString()));
            string line = Assert.Single(error.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
            Assert.Contains("did not answer as a Troupe node does: ", line, StringComparison.Ordinal);
            Assert.DoesNotContain("System.", line, StringComparison.Ordinal);
            Assert.DoesNotContain("Troupe.", line, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(request);
        }
    }

    [Theory]
    [InlineData("MODEL is empty.", "infer", "", "--request", "r")]
    [InlineData("MODEL is empty.", "models", "load", "")]
    [InlineData("MODEL is empty.", "models", "unload", " ")]
    [InlineData("MODEL is empty.", "bench", "")]
    [InlineData("TOKEN is empty.", "modes", "exit", "")]
    [InlineData("--model-version: '-1': write a whole number of at least 1.", "infer", "m", "--request", "r", "--model-version", "-1")]
    [InlineData("--model-version: 'x': write a whole number of at least 1.", "infer", "m", "--request", "r", "--model-version", "x")]
    [InlineData("--model-version: '0': write a whole number of at least 1.", "models", "load", "m", "--model-version", "0")]
    [InlineData("--gpu: 'x': write a whole number of at least 0.", "models", "load", "m", "--gpu", "1", "--gpu", "x")]
    [InlineData("--clients: '0': write a whole number from 1 to 1024.", "bench", "--clients", "0")]
    [InlineData("--clients: 'x': write a whole number from 1 to 1024.", "bench", "--clients", "x")]
    [InlineData("Unrecognized command or argument '--gpu'.", "modes", "audit", "--gpu", "n:1/0")]
    [InlineData("Option '--url' expects a single argument but 2 were provided.", "nodes", "--url", "http://a", "--url", "http://b")]
    public async Task Words_that_mean_nothing_are_usage(string problem, params string[] arguments)
    {
        StringWriter output = new(),
            error = new();

        int exit = await TroupeCommand.RunAsync(arguments, output, error, TestContext.Current.CancellationToken);

        Assert.Equal((int)ExitCode.Usage, exit);
        Assert.StartsWith($"troupe: {problem} Try 'troupe ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Names_in_a_cell_are_few()
    {
        Assert.Equal("a b", Terminal.Brief(["a", "b"]));
        Assert.Equal("m0 m1 m2 m3 … (200)", Terminal.Brief([.. Enumerable.Range(0, 200).Select(i => $"m{i}")]));
    }
}
