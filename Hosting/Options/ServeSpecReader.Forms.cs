using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Options;

/// <summary>The forms of values that only settings of a node have.</summary>
internal sealed partial class ServeSpecReader
{
    private Dictionary<string, VersionChoice> Versions()
    {
        Dictionary<string, VersionChoice> versions = new(StringComparer.Ordinal);
        foreach (WrittenValue written in options.Values(OptionKeys.Versions))
        {
            int equals = written.Text.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0 || VersionRule.Read(written.Text[(equals + 1)..]) is not { } rule)
            {
                Problem(written, "write NAME=newest, NAME=newest:50%, NAME=2 or NAME=1=90+2=10");
            }
            else if (!versions.TryAdd(written.Text[..equals], rule.ToChoice()))
            {
                Problem(written, "this model is named twice; leave one");
            }
        }

        return versions;
    }

    private static bool TryParseSwitch(string text, out bool value)
    {
        value = text == "on";
        return value || text == "off";
    }

    /// <summary>A value by its name in lower case.</summary>
    private static bool TryParseWord<T>(string text, out T word)
        where T : struct, Enum =>
        Enum.TryParse(text, ignoreCase: true, out word) && Enum.IsDefined(word) && text.All(char.IsAsciiLetterLower);

    /// <summary>A time in which something can be done, and that a timer can count.</summary>
    private static bool TryParseBound(string text, out TimeSpan time) =>
        Quantities.TryParseTime(text, out time) && time >= TimeSpan.FromMilliseconds(1) && time <= TimeSpan.FromHours(24);

    /// <summary>More often it would do nothing else.</summary>
    private static bool TryParsePoll(string text, out TimeSpan time) => TryParseBound(text, out time) && time >= LeastPoll;

    /// <summary>Below a second it would take the pauses of a busy machine for hangs.</summary>
    private static bool TryParseWatchdog(string text, out TimeSpan time) =>
        TryParseBound(text, out time) && time >= TimeSpan.FromSeconds(1);

    private static bool TryParseLevel(string text, out LogLevel level) =>
        Enum.TryParse(text, ignoreCase: true, out level) && Enum.IsDefined(level) && !char.IsDigit(text[0]);

    private static bool TryParseFormat(string text, out LogFormat format) =>
        Enum.TryParse(text, ignoreCase: true, out format) && Enum.IsDefined(format) && !char.IsDigit(text[0]);
}
