using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Runtime.Artifacts;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Modules;

/// <summary>Reads a module's files: a back end's lone file, an artifact, or a manifest with the files it names.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal sealed class ModuleReader(BackendCatalogue backends)
{
    /// <exception cref="ModuleLoadException">A file is missing, too large, or the manifest or artifact is wrong.</exception>
    public ModuleDefinition Read(ModuleSource source)
    {
        ModuleDefinition module = ReadFiles(source);
        return source.Configuration is { } given ? module with { Hash = HashOf(module.Hash, given.Bytes.Span) } : module;
    }

    private ModuleDefinition ReadFiles(ModuleSource source)
    {
        if (source.Artifact is { } artifact)
        {
            return ArtifactModule.Define(artifact, source.Path, source.Names, HashOf(artifact, source.Names), backends);
        }

        string extension = Path.GetExtension(source.Path);
        return extension.Equals(".json", StringComparison.OrdinalIgnoreCase) ? ReadManifest(source.Path, FilesOf(source))
            : !ModelFileNames.ArtifactExtensions.Contains(extension) && backends.OfExtension(extension) is { } backend
                ? ReadLone(source.Path, backend, FilesOf(source))
            : source.Held is null ? ReadArtifact(source)
            : ReadHeldArtifact(source, FilesOf(source).Read(source.Path, ModuleFiles.MaxEngineBytes));
    }

    private static ISegmentFiles FilesOf(ModuleSource source) =>
        source.Held is { } held ? new HeldFiles(held, source.Path) : new DiskFiles(source.Files);

    private static ModuleDefinition ReadLone(string path, BackendDescription backend, ISegmentFiles files)
    {
        ReadOnlyMemory<byte> bytes = files.Read(path, ModuleFiles.MaxEngineBytes);
        var spec = new SegmentSpec("_run_on_acc_0", SegmentKind.Engine, backend.Name, Path.GetFileName(path), 0, [], []);
        return new ModuleDefinition(
            ContentHash.FromSha256(SHA256.HashData(bytes.Span)),
            IsLone: true,
            [],
            [],
            [new SegmentDefinition(spec, path, bytes, [], RequiresOutputAllocator: false, UnownedOutputs: null)]
        );
    }

    private ModuleDefinition ReadHeldArtifact(ModuleSource source, ReadOnlyMemory<byte> bytes)
    {
        ArtifactSpec artifact = ArtifactModule.Explained(() => ArtifactReader.Open(bytes, source.Path));
        return ArtifactModule.Define(artifact, source.Path, source.Names, ContentHash.FromSha256(SHA256.HashData(bytes.Span)), backends);
    }

    /// <summary>The bytes tell the format, whatever the file is called.</summary>
    private ModuleDefinition ReadArtifact(ModuleSource source)
    {
        string path = source.Path;

        // The one that is open, whatever stands at its path meanwhile; and as it was, where somebody asks.
        using FileStream file = ModuleFiles.Open(path);
        byte[] digest = ModuleFiles.Digest(file, path, source.Files);
        ArtifactSpec artifact;
        try
        {
            artifact = ArtifactReader.Open(file.SafeFileHandle, path);
        }
        catch (ArtifactException unknown)
            when (unknown.Fault == ArtifactFault.UnknownFormat && !ModelFileNames.ArtifactExtensions.Contains(Path.GetExtension(path)))
        {
            throw UnknownFile(path, unknown);
        }
        catch (ArtifactException refused)
        {
            return ArtifactModule.Explained<ModuleDefinition>(() => throw refused);
        }

        if (source.Files is not null)
        {
            ModuleFiles.Digest(file, path, source.Files);
        }

        return ArtifactModule.Define(artifact, path, source.Names, ContentHash.FromSha256(digest), backends);
    }

    /// <summary>The name says nothing and no artifact begins so; a back end may know better what it is.</summary>
    private ModuleLoadException UnknownFile(string path, ArtifactException unknown)
    {
        string[] lone =
        [
            .. backends
                .Descriptions.Select(description => Path.GetExtension(description.ModelFile))
                .OfType<string>()
                .Except(ModelFileNames.ArtifactExtensions),
        ];
        string hint = backends.Recognise(ModuleFiles.ReadHead(path, BackendCatalogue.HeadBytes)) is { ModelFile: { } file } known
            ? $" It begins as files of the back end '{known.Name}' do: call it {Path.GetExtension(file)}."
            : "";
        return new ModuleLoadException(
            FailureKind.NotSupported,
            $"'{path}' ends in '{Path.GetExtension(path)}': a lone model is a {string.Join(" or ", lone)} file or an artifact ({string.Join(", ", ModelFileNames.ArtifactExtensions)}); anything else needs a module.json beside it. {unknown.Message}{hint}",
            unknown
        );
    }

    /// <summary>A model that is served otherwise is another one.</summary>
    private static ContentHash HashOf(ContentHash files, ReadOnlySpan<byte> configuration)
    {
        Span<byte> length = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(length, configuration.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.ASCII.GetBytes(files.ToString()));
        hash.AppendData(length);
        hash.AppendData(configuration);
        return ContentHash.FromSha256(hash.GetHashAndReset());
    }

    private static ContentHash HashOf(ArtifactSpec artifact, BindingNames? names)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (EngineRecord record in artifact.Engines.Select(engine => engine.Record))
        {
            hash.AppendData(record.Plan.Span);
            string said = string.Join(
                '\n',
                [
                    record.Name,
                    .. names?.Inputs ?? record.InputNames,
                    "->",
                    .. names?.Outputs ?? record.OutputNames,
                    AliasText.Write(record.Aliases),
                    $"{record.ResourceAllocation}{record.RequiresOutputAllocator}{record.OutputsAreUnowned}",
                ]
            );
            hash.AppendData(Encoding.UTF8.GetBytes(said));
        }

        return ContentHash.FromSha256(hash.GetHashAndReset());
    }

    private ModuleDefinition ReadManifest(string path, ISegmentFiles folder)
    {
        ReadOnlyMemory<byte> text = folder.Read(path, ModuleFiles.MaxManifestBytes);
        Manifest manifest = ManifestReader.Read(text, path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(text.Span);

        // Two segments may share a file: it is read once and hashed where it first stands.
        var files = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        var segments = new List<SegmentDefinition>(manifest.Segments.Count);
        foreach (ManifestSegment segment in manifest.Segments)
        {
            string file = folder.Resolve(path, segment.Spec.File, segment.Spec.Name);
            if (!files.TryGetValue(file, out ReadOnlyMemory<byte> bytes))
            {
                bytes = folder.Read(file, ModuleFiles.MaxEngineBytes);
                files.Add(file, bytes);
                hash.AppendData(bytes.Span);
            }

            SegmentSpec spec = segment.Spec with { Backend = backends.Resolve(segment.Spec.Backend, bytes.Span) };
            segments.Add(
                new SegmentDefinition(spec, file, bytes, segment.Aliases, segment.RequiresOutputAllocator, segment.UnownedOutputs)
            );
        }

        IReadOnlyList<SegmentDefinition> ordered = SegmentOrder.Derive(path, manifest, segments);
        return new ModuleDefinition(
            ContentHash.FromSha256(hash.GetHashAndReset()),
            IsLone: false,
            manifest.Inputs,
            manifest.Outputs,
            ordered
        );
    }
}
