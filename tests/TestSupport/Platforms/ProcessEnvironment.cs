using System.Diagnostics;

namespace Troupe.TestSupport.Platforms;

/// <summary>What a process under test gets of the environment of its test: not the settings of the tests themselves, which it would refuse
/// as misspelt ones of its own.</summary>
public static class ProcessEnvironment
{
    public static ProcessStartInfo WithoutSettings(this ProcessStartInfo start)
    {
        foreach (string name in start.Environment.Keys.Where(name => name.StartsWith("TROUPE_", StringComparison.Ordinal)).ToArray())
        {
            start.Environment.Remove(name);
        }

        return start;
    }
}
