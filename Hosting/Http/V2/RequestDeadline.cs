using Microsoft.Extensions.Primitives;
using Troupe.Hosting.Options;
using Troupe.Messages.Forwarding;

namespace Troupe.Hosting.Http.V2;

/// <summary>How long a caller waits: the header <c>Troupe-Timeout</c>, and where the node honours it the parameter <c>timeout</c>; of both
/// the shorter.</summary>
internal static class RequestDeadline
{
    public const string Header = "Troupe-Timeout";

    /// <summary>A day: the router cuts what is longer.</summary>
    private const ulong Most = 24UL * 3600 * 1_000_000;

    /// <param name="microseconds">Of the parameter; 0: none, or not honoured.</param>
    /// <exception cref="BadHttpRequestException">The header holds no time.</exception>
    public static TimeSpan Read(StringValues header, ulong microseconds)
    {
        TimeSpan? asked = header.Count == 0 ? null : Time(header.ToString());
        TimeSpan? parameter = microseconds == 0 ? null : TimeSpan.FromMicroseconds((double)Math.Min(microseconds, Most));
        return asked is null ? parameter ?? Forward.DefaultTimeLeft
            : parameter < asked ? parameter.Value
            : asked.Value;
    }

    private static TimeSpan Time(string written) =>
        Quantities.TryParseTime(written, out TimeSpan time) && time > TimeSpan.Zero
            ? time
            : throw new BadHttpRequestException($"{Header}: '{written}': {Quantities.TimeForm}");
}
