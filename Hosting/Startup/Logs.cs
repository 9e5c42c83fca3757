using Microsoft.Extensions.Logging.Console;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Startup;

/// <summary>Makes the logger factory of a process: one entry a line, as text or JSON.</summary>
internal static class Logs
{
    private const string TimeForm = "yyyy-MM-ddTHH:mm:ss.fffZ";

    /// <param name="toStandardError">For commands whose standard output is their result.</param>
    public static ILoggerFactory Open(LogLevel level, LogFormat format, bool toStandardError) =>
        LoggerFactory.Create(logging =>
        {
            logging.SetMinimumLevel(level);
            if (level > LogLevel.Debug)
            {
                logging.AddFilter("Microsoft", LogLevel.Warning);
                logging.AddFilter("Akka", LogLevel.Warning);
            }

            // Kestrel logs an address it cannot bind with its stack; the command says it in one line.
            logging.AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);
            if (format == LogFormat.Json)
            {
                logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, TimeForm));
            }
            else
            {
                logging.AddSimpleConsole(console =>
                {
                    console.SingleLine = true;
                    console.TimestampFormat = TimeForm + " ";
                    console.UseUtcTimestamp = true;
                    console.ColorBehavior = LoggerColorBehavior.Disabled;
                });
            }

            logging.Services.Configure<ConsoleLoggerOptions>(console =>
                console.LogToStandardErrorThreshold = toStandardError ? LogLevel.Trace : LogLevel.None
            );
        });
}
