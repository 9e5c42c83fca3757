using System.Security;
using Microsoft.Win32.SafeHandles;
using Troupe.Runtime.Artifacts.Containers;
using Troupe.Runtime.Artifacts.Exported;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Artifacts.TorchScript;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts;

/// <summary>Opens what torch_tensorrt saves: plans, TR01 and TR02 containers, TorchScript modules, exported programs. The format is told by
/// the bytes, never by the file's name.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk. Files are data: no pickle is run, no entry is written anywhere, and memory is
/// taken only after its size was checked.</remarks>
public static class ArtifactReader
{
    private const string Reads = "Give a .pt2 or .ts of torch_tensorrt.save, a TR01 or TR02 container, or a TensorRT plan";

    /// <summary>Reads a file.</summary>
    /// <exception cref="ArtifactException">It is none of the formats, or broken, or not to be trusted, or has nodes that no engine
    /// runs.</exception>
    public static ArtifactSpec Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return Reading(
            path,
            () =>
            {
                using SafeFileHandle handle = RegularFile.Open(path);
                return Open(handle, path);
            }
        );
    }

    /// <summary>Reads a file that is open, and stays so.</summary>
    /// <exception cref="ArtifactException">As above.</exception>
    internal static ArtifactSpec Open(SafeFileHandle file, string path)
    {
        string where = Shown.Of(Path.GetFileName(path));
        return Reading(path, () => Open(new ByteSource.File(file, where), where, ArtifactLimits.Default));
    }

    /// <summary>Reads bytes; the plans of the result may be views of them.</summary>
    /// <param name="source">What to call them in errors.</param>
    /// <exception cref="ArtifactException">As above.</exception>
    public static ArtifactSpec Open(ReadOnlyMemory<byte> bytes, string source)
    {
        ArgumentException.ThrowIfNullOrEmpty(source);
        return Open(new ByteSource.Memory(bytes), Shown.Of(source), ArtifactLimits.Default);
    }

    internal static ArtifactSpec Open(ByteSource source, string where, ArtifactLimits limits)
    {
        if (source.Length < 4)
        {
            throw ArtifactException.Truncated(where, $"the file has {source.Length} bytes");
        }

        ReadOnlySpan<byte> magic = source.Read(0, 4).Span;
        if (magic.SequenceEqual("PK\u0003\u0004"u8) || magic.SequenceEqual("PK\u0005\u0006"u8))
        {
            return OpenArchive(new ZipFile(source, limits, where), source.Length, limits);
        }

        bool isPlan = magic.SequenceEqual(PlanEncoding.PlanMagic);
        if (!isPlan && !magic.SequenceEqual(ContainerFile.Tr01) && !magic.SequenceEqual(ContainerFile.Tr02))
        {
            throw new ArtifactException(
                ArtifactFault.UnknownFormat,
                where,
                $"the file begins '{Shown.Of(magic)}', which no known format does",
                Reads + "."
            );
        }

        if (source.Length > limits.BlockBytes)
        {
            throw ArtifactException.TooLarge(
                where,
                $"the file has {source.Length} bytes; at most {limits.BlockBytes} are read of a plan or container"
            );
        }

        ReadOnlyMemory<byte> bytes = source.Read(0, (int)source.Length);
        return isPlan ? OfPlan(bytes, where) : OfContainer(bytes, where);
    }

    private static ArtifactSpec Reading(string path, Func<ArtifactSpec> read)
    {
        try
        {
            return read();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException or SecurityException)
        {
            throw new ArtifactException(
                ArtifactFault.Unreadable,
                Shown.Of(Path.GetFileName(path)),
                $"the file cannot be read: {Shown.Of(failure.Message)}",
                "Name a file that exists and may be read.",
                failure
            );
        }
    }

    private static ArtifactSpec OpenArchive(ZipFile archive, long bytes, ArtifactLimits limits)
    {
        if (archive.Has("archive_format"))
        {
            (IReadOnlyList<ArtifactEngine> engines, ArtifactGraph graph) = ExportedProgramReader.Read(archive, limits);
            return new ArtifactSpec(archive.Where, ArtifactFormat.ExportedProgram, bytes, engines, graph);
        }

        if (archive.Has("data.pkl") && archive.Names.Any(static name => name.StartsWith("code/", StringComparison.Ordinal)))
        {
            (IReadOnlyList<ArtifactEngine> engines, int calls) = TorchScriptReader.Read(archive, limits);
            return new ArtifactSpec(archive.Where, ArtifactFormat.TorchScript, bytes, engines, null) { EngineCalls = calls };
        }

        string what =
            archive.Has("data.pkl") ? "the archive is a checkpoint of torch.save: weights without a graph"
            : archive.Has(ZipFile.FlatProgram) ? "the exported program has the layout of PyTorch before 2.8"
            : "the archive is neither an exported program nor a TorchScript module";
        throw new ArtifactException(ArtifactFault.UnknownFormat, archive.Where, what, Reads + ".");
    }

    private static ArtifactSpec OfPlan(ReadOnlyMemory<byte> plan, string where) =>
        new(
            where,
            ArtifactFormat.Plan,
            plan.Length,
            [new ArtifactEngine("tensorrt_engine", new EngineRecord { Name = "tensorrt_engine", Plan = plan })],
            null
        );

    private static ArtifactSpec OfContainer(ReadOnlyMemory<byte> bytes, string where)
    {
        (ContainerMetadata metadata, ReadOnlyMemory<byte> plan) = ContainerFile.Read(bytes, where);
        EngineRecord record = new EngineRecord
        {
            Name = "tensorrt_engine",
            Plan = plan,
            InputNames = ContainerJson.Names(metadata, inputs: true),
            OutputNames = ContainerJson.Names(metadata, inputs: false),
            HardwareCompatible = metadata.HardwareCompatible,
            PlatformText = metadata.TargetPlatform.Length > 0 ? metadata.TargetPlatform : null,
            Aliases = metadata.Aliases,
            Warnings = metadata.Warnings,
        }
            .WithMetadata(metadata.SerializedMetadata, $"{where}, serialized_metadata")
            .Check(where);
        return new ArtifactSpec(
            where,
            metadata.Aliases.Count > 0 ? ArtifactFormat.Tr02 : ArtifactFormat.Tr01,
            bytes.Length,
            [new ArtifactEngine(record.Name, record) { Tensors = metadata.Bindings }],
            null
        );
    }
}
