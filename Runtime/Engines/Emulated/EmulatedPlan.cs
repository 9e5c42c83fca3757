using System.Buffers.Binary;
using System.Security.Cryptography;
using Troupe.Messages.Failures;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>An emulated engine as one string of bytes, standing for a serialized TensorRT engine where there is none: it begins <c>ftrt</c>
/// and travels in records, containers and archives as plans do.</summary>
/// <remarks>
/// Little-endian header of 64 bytes: <c>ftrt</c>, <c>emulated</c>, u32 version, u32 manifest bytes, u32 zero, u64 ONNX bytes, SHA-256 of
/// everything but itself;
/// then the manifest (JSON, see <see cref="EmulatedManifest"/>; its <c>onnx</c> is a name for people) and the ONNX model, and nothing after
/// it.
/// </remarks>
public sealed record EmulatedPlan(ReadOnlyMemory<byte> Manifest, ReadOnlyMemory<byte> Onnx)
{
    private const int MarkerBytes = 12;
    private const int DigestOffset = 32;
    private const int HeaderBytes = 64;
    private const uint Version = 1;

    private static ReadOnlySpan<byte> Marker => "ftrtemulated"u8;

    /// <summary>The bytes are an emulated plan, sound or not; a plan without the marker is TensorRT's.</summary>
    public static bool IsOne(ReadOnlySpan<byte> plan) => plan.StartsWith(Marker);

    /// <summary>Tells emulated plans from all other files.</summary>
    internal static int Recognise(ReadOnlySpan<byte> head) => IsOne(head) ? MarkerBytes : 0;

    /// <summary>Packs an engine.</summary>
    /// <exception cref="ModuleLoadException">The manifest is none, or the bytes are no ONNX model, or one that keeps weights in other
    /// files.</exception>
    public static byte[] Write(ReadOnlySpan<byte> manifest, ReadOnlySpan<byte> onnx)
    {
        const string What = "the emulated plan to write";
        byte[] plan = new byte[checked(HeaderBytes + manifest.Length + onnx.Length)];
        Marker.CopyTo(plan);
        BinaryPrimitives.WriteUInt32LittleEndian(plan.AsSpan(MarkerBytes), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(plan.AsSpan(16), (uint)manifest.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(plan.AsSpan(24), (ulong)onnx.Length);
        manifest.CopyTo(plan.AsSpan(HeaderBytes));
        onnx.CopyTo(plan.AsSpan(HeaderBytes + manifest.Length));
        Digest(plan).CopyTo(plan.AsSpan(DigestOffset));
        EmulatedPlan packed = Read(plan, What);
        _ = EmulatedManifest.Read(packed.Manifest, What);
        _ = packed.ReadGraph(What);
        return plan;
    }

    /// <summary>Packs the emulated engine that a manifest and the model beside it describe.</summary>
    /// <param name="manifest">Path of the JSON file; its <c>onnx</c> names the model in the same folder.</param>
    /// <exception cref="ModuleLoadException">As <see cref="Write"/>, or a file is missing.</exception>
    public static byte[] Pack(string manifest)
    {
        byte[] text = ModuleFiles.Read(manifest, ModuleFiles.MaxManifestBytes);
        string folder = Path.GetDirectoryName(Path.GetFullPath(manifest))!;
        return Write(text, ModuleFiles.Read(ModuleFiles.Resolve(folder, EmulatedManifest.Read(text, manifest).Onnx, manifest)));
    }

    /// <summary>Takes an emulated plan apart; the parts are views of it.</summary>
    /// <exception cref="ModuleLoadException">The plan is cut off, contradicts itself, or was changed since it was written.</exception>
    public static EmulatedPlan Read(ReadOnlyMemory<byte> plan, string where)
    {
        ReadOnlySpan<byte> bytes = plan.Span;
        if (!IsOne(bytes))
        {
            throw Wrong(where, "does not begin with the marker of one");
        }

        if (bytes.Length < HeaderBytes)
        {
            throw Wrong(where, $"has {bytes.Length} bytes where its header alone has {HeaderBytes}");
        }

        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes[MarkerBytes..]);
        if (version != Version)
        {
            throw new ModuleLoadException(
                FailureKind.NotSupported,
                $"'{where}' is an emulated plan of version {version}; this build reads version {Version}."
            );
        }

        uint manifest = BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]);
        ulong onnx = BinaryPrimitives.ReadUInt64LittleEndian(bytes[24..]);
        ulong content = (ulong)bytes.Length - HeaderBytes;
        if (manifest > ModuleFiles.MaxManifestBytes)
        {
            throw Wrong(where, $"announces a manifest of {manifest} bytes; at most {ModuleFiles.MaxManifestBytes} are read");
        }

        if (manifest > content || onnx != content - manifest)
        {
            throw Wrong(where, $"announces {manifest} bytes of manifest and {onnx} of ONNX after its header, and has {content}");
        }

        if (
            BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]) != 0
            || !Digest(bytes).AsSpan().SequenceEqual(bytes[DigestOffset..HeaderBytes])
        )
        {
            throw Wrong(where, "was changed since it was written: its checksum differs");
        }

        return new EmulatedPlan(plan.Slice(HeaderBytes, (int)manifest), plan[(HeaderBytes + (int)manifest)..]);
    }

    /// <summary>What is told of the model itself.</summary>
    /// <exception cref="ModuleLoadException">No ONNX model, or one that is not whole without other files.</exception>
    internal OnnxGraph ReadGraph(string where)
    {
        OnnxGraph graph;
        try
        {
            graph = OnnxGraph.Read(Onnx.Span);
        }
        catch (Exception trouble) when (trouble is InvalidDataException or OverflowException)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{where}' is an emulated plan without an ONNX model in it: {trouble.Message}.",
                trouble
            );
        }

        return graph.ExternalFiles.Count == 0
            ? graph
            : throw Wrong(where, $"keeps weights in the file '{graph.ExternalFiles.First()}', but a plan must be whole in itself");
    }

    private static byte[] Digest(ReadOnlySpan<byte> plan)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(plan[..DigestOffset]);
        hash.AppendData(plan[HeaderBytes..]);
        return hash.GetHashAndReset();
    }

    private static ModuleLoadException Wrong(string where, string what) =>
        new(FailureKind.InvalidModel, $"'{where}' is not a sound emulated plan: it {what}. Copy or write the plan again.");
}
