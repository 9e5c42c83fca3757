using Troupe.Hosting.Cli;

namespace Troupe.Hosting.Tests.Cli;

public sealed class ArtifactCommandTests
{
    [Fact]
    public async Task A_file_that_is_not_there_is_one_line_and_its_own_exit_code()
    {
        (int code, string error) = await RunAsync("/no/such/file.ts");

        Assert.Equal((int)ExitCode.PathNotFound, code);
        Assert.Contains("/no/such/file.ts", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_cut_off_is_refused_in_one_line()
    {
        string path = Path.GetTempFileName();
        try
        {
            await File.WriteAllBytesAsync(path, [.. "TR01"u8, 32, 0, 0, 0, 5], TestContext.Current.CancellationToken);
            (int code, string error) = await RunAsync(path);

            Assert.Equal((int)ExitCode.Refused, code);
            Assert.Single(error.Trim().Split('\n'));
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Task<(int Code, string Error)> RunAsync(string file)
    {
        using StringWriter output = new(), error = new();
        int code = await TroupeCommand.RunAsync(["artifact", "inspect", file], output, error, TestContext.Current.CancellationToken);
        return (code, error.ToString());
    }
}
