using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;

namespace Troupe.Hosting.Startup;

/// <summary>Opens the devices a node was told to take, or chooses them where it was told <c>auto</c>.</summary>
internal static class DeviceOpening
{
    private const long EmulatedMemoryBytes = 2L << 30;

    /// <param name="choice">What the operator wrote.</param>
    /// <param name="memoryBytes">Memory of each emulated device, and of each real one what is taken of it at most; null: as much as is
    /// usual.</param>
    /// <param name="separateBlocks">Every block of device memory is an allocation of its own.</param>
    /// <param name="repositories">Folder whose models must be able to run; null: none at hand.</param>
    /// <param name="remark">For <c>auto</c>: what kept it from real devices, in one line; null otherwise.</param>
    /// <exception cref="CliException">Real devices were asked for and there are none.</exception>
    public static IPlatform Open(
        DeviceChoice choice,
        long? memoryBytes,
        bool separateBlocks,
        IReadOnlyList<string> repositories,
        out string? remark
    )
    {
        Platform platform = Open(choice, memoryBytes ?? EmulatedMemoryBytes, repositories, out remark);
        try
        {
            platform.UseMemory(new DeviceMemoryOptions { BudgetBytes = memoryBytes, SeparateBlocks = separateBlocks });
            return platform;
        }
        catch (ForwardException refused)
        {
            platform.Dispose();
            throw new CliException(ExitCode.Usage, $"--device-memory: {refused.Message.TrimEnd('.')}");
        }
    }

    private static Platform Open(DeviceChoice choice, long memoryBytes, IReadOnlyList<string> repositories, out string? remark)
    {
        remark = null;
        switch (choice.Kind)
        {
            case DeviceKind.Cuda:
                return TryOpenCuda(out string missing)
                    ?? throw new CliException(ExitCode.NoDevices, $"--devices cuda: {missing}; repair that or take --devices emulated:N");
            case DeviceKind.Auto:
                if (MissingBackend(repositories) is { } backend)
                {
                    remark = $"devices auto: emulated, because {backend}";
                }
                else if (TryOpenCuda(out string absent) is { } real)
                {
                    return real;
                }
                else
                {
                    remark = $"devices auto: emulated, because {absent}";
                }

                break;
            case DeviceKind.Emulated:
                break;
        }

        return Platform.OpenEmulated(new EmulatedDevices(choice.Count, memoryBytes));
    }

    private static Platform? TryOpenCuda(out string missing)
    {
        try
        {
            Platform platform = Platform.OpenCuda();
            if (platform.Devices.Count > 0)
            {
                missing = "";
                return platform;
            }

            platform.Dispose();
            missing = "the CUDA driver finds no device";
        }
        catch (CudaUnavailableException unavailable)
        {
            missing = unavailable.Message.TrimEnd('.');
        }
        catch (CudaException refused)
        {
            missing = $"the CUDA driver refuses: {refused.Message.TrimEnd('.')}";
        }

        return null;
    }

    /// <summary>The first model that no back end of this build can run on a real device, in words; null when all can.</summary>
    private static string? MissingBackend(IReadOnlyList<string> repositories)
    {
        if (repositories.Count == 0)
        {
            return "no models are at hand that say which back end they need";
        }

        // What cannot be read here is named when it is loaded.
        EnumerationOptions readable = new() { RecurseSubdirectories = true, IgnoreInaccessible = true };
        foreach (string repository in repositories)
        {
            foreach (string file in Directory.EnumerateFiles(repository, "*", readable).Order(StringComparer.Ordinal))
            {
                if (RepositoryFiles.BackendMissingForCuda(file) is { } needed)
                {
                    return $"'{Path.GetRelativePath(repository, file)}' needs the back end '{needed}', which this build has not got for real devices";
                }
            }
        }

        return null;
    }
}
