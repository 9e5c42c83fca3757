namespace Troupe.Hosting.Startup;

/// <summary>The version of this build, as metadata, snapshots and logs show it.</summary>
internal static class TroupeVersion
{
    public static string Text { get; } = typeof(TroupeVersion).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
}
