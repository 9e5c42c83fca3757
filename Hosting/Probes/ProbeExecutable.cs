namespace Troupe.Hosting.Probes;

/// <summary>How <c>troupe</c> is started once more: its file, and what stands before its own arguments.</summary>
internal sealed record ProbeExecutable(string File, IReadOnlyList<string> Arguments)
{
    private const string Name = "troupe";

    /// <summary>This process's own executable, the one beside its assemblies where it is another program's, or its assembly under
    /// <c>dotnet</c>; null where there is none of them.</summary>
    public static ProbeExecutable? Find() => Find(Environment.ProcessPath, AppContext.BaseDirectory);

    public static ProbeExecutable? Find(string? process, string folder)
    {
        string beside = Path.Combine(folder, OperatingSystem.IsWindows() ? Name + ".exe" : Name),
            assembly = Path.Combine(folder, Name + ".dll");
        string? program = Path.GetFileNameWithoutExtension(process);
        return program == Name ? new ProbeExecutable(process!, [])
            : System.IO.File.Exists(beside) ? new ProbeExecutable(beside, [])
            : program == "dotnet" && System.IO.File.Exists(assembly) ? new ProbeExecutable(process!, [assembly])
            : null;
    }
}
