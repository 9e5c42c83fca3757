namespace Troupe.Runtime.Failures;

/// <summary>The bound of what comes back of a forward, as it is told wherever it is found to be exceeded.</summary>
internal static class OutputLimit
{
    public static string Exceeded(long bytes, long most) =>
        $"The outputs that are wanted take {bytes} bytes together; at most {most} come back (max-output).";
}
