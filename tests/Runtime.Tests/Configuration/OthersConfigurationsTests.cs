using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>Configurations that others wrote, where somebody has a folder of them: each is read, or refused with its place. What is refused
/// and why is printed.</summary>
public sealed class OthersConfigurationsTests(ITestOutputHelper output)
{
    private const string Variable = "TROUPE_CONFIGURATIONS";

    [Fact]
    public void Each_is_read_or_refused_with_line_and_column()
    {
        string? folder = Environment.GetEnvironmentVariable(Variable);
        Assert.SkipWhen(folder is null, $"{Variable} names no folder of configurations; measured by hand.");
        int read = 0,
            refused = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*.pbtxt", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            try
            {
                ConfigurationFile.Parse(new ConfigurationText(path, File.ReadAllBytes(path)), isJson: false);
                read++;
            }
            catch (ModuleLoadException trouble)
            {
                Assert.StartsWith($"'{path}', line ", trouble.Message, StringComparison.Ordinal);
                output.WriteLine(trouble.Message);
                refused++;
            }
        }

        output.WriteLine($"{read} read, {refused} refused");
        Assert.True(read > refused);
    }
}
