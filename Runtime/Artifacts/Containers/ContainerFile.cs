using System.Buffers.Binary;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Artifacts.Containers;

/// <summary>Reads and writes the TR01 and TR02 containers of torch_tensorrt's ExecuTorch delegate: header, JSON, padding, plan.</summary>
/// <remarks>
/// Little-endian header of 32 bytes: magic, u32 metadata offset and size, u32 engine offset (a multiple of 16), u64 engine size, 8 reserved
/// (01 00…).
/// Source: py/torch_tensorrt/executorch/serialization.py, TensorRTBlobHeader.cpp.
/// </remarks>
public static class ContainerFile
{
    internal const int HeaderBytes = 32;
    private const int Alignment = 16;

    internal static ReadOnlySpan<byte> Tr01 => "TR01"u8;

    internal static ReadOnlySpan<byte> Tr02 => "TR02"u8;

    /// <summary>Writes a container; TR02 when anything is aliased.</summary>
    /// <exception cref="ArtifactException">The metadata contradicts itself, or there is no plan.</exception>
    public static byte[] Write(ContainerMetadata metadata, ReadOnlySpan<byte> plan)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        ContainerJson.Check(metadata, "the container to write");
        if (plan.IsEmpty)
        {
            throw ArtifactException.Missing("the container to write", "there is no plan");
        }

        byte[] json = ContainerJson.Write(metadata);
        int engineOffset = ByteAlignment.Up(HeaderBytes + json.Length, Alignment);
        byte[] file = new byte[checked(engineOffset + plan.Length)];
        (metadata.Aliases.Count > 0 ? Tr02 : Tr01).CopyTo(file);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(4), HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), (uint)json.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(12), (uint)engineOffset);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(16), (ulong)plan.Length);
        file[24] = 1;
        json.CopyTo(file, HeaderBytes);
        plan.CopyTo(file.AsSpan(engineOffset));
        return file;
    }

    /// <summary>Writes an engine record as a container. What containers cannot say (dynamic workspace, required allocator, native
    /// multi-device) is refused, not dropped.</summary>
    /// <exception cref="ArtifactException">The record needs what a container cannot say.</exception>
    public static byte[] Write(EngineRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        string? unsayable =
            record.RequiresOutputAllocator ? "requires an output allocator"
            : record.RequiresNativeMultidevice ? "requires native multi-device"
            : record.ResourceAllocation == ResourceAllocation.Dynamic ? "allocates its workspace dynamically"
            : null;
        if (unsayable is not null)
        {
            throw ArtifactException.Corrupt($"engine '{Shown.Of(record.Name)}'", $"a container cannot say that an engine {unsayable}");
        }

        return Write(
            new ContainerMetadata
            {
                Bindings =
                [
                    .. record.InputNames.Select(name => new ContainerTensor(name, "", [], true)),
                    .. record.OutputNames.Select(name => new ContainerTensor(name, "", [], false)),
                ],
                Aliases = record.Aliases,
                HardwareCompatible = record.HardwareCompatible,
                DeviceOrdinal = record.Device?.Ordinal ?? 0,
                SerializedMetadata = record.Metadata,
                TargetPlatform = record.PlatformText ?? "",
            },
            record.Plan.Span
        );
    }

    /// <summary>Reads a container; the plan is a view of <paramref name="file"/>.</summary>
    /// <exception cref="ArtifactException">The bytes are no container, or a broken one.</exception>
    public static (ContainerMetadata Metadata, ReadOnlyMemory<byte> Plan) Read(ReadOnlyMemory<byte> file, string where)
    {
        ReadOnlySpan<byte> header = file.Span;
        if (header.Length < HeaderBytes)
        {
            throw ArtifactException.Truncated(where, $"the file has {header.Length} bytes where a container's header has {HeaderBytes}");
        }

        bool aliased = header.StartsWith(Tr02);
        if (!aliased && !header.StartsWith(Tr01))
        {
            throw new ArtifactException(
                ArtifactFault.UnknownFormat,
                where,
                $"the file begins '{Shown.Of(header[..4])}', not TR01 or TR02",
                "Give a container of torch_tensorrt's ExecuTorch delegate."
            );
        }

        uint metadataOffset = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        uint metadataSize = BinaryPrimitives.ReadUInt32LittleEndian(header[8..]);
        uint engineOffset = BinaryPrimitives.ReadUInt32LittleEndian(header[12..]);
        ulong engineSize = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
        ulong length = (ulong)header.Length;
        if (engineOffset % Alignment != 0)
        {
            throw ArtifactException.Corrupt(where, $"the engine's offset {engineOffset} is no multiple of {Alignment}");
        }

        if (metadataOffset < HeaderBytes)
        {
            throw ArtifactException.Corrupt(where, $"the metadata's offset {metadataOffset} lies inside the header of {HeaderBytes} bytes");
        }

        if (metadataSize > ArtifactLimits.Default.MetadataBytes)
        {
            throw ArtifactException.TooLarge(
                where,
                $"the metadata announces {metadataSize} bytes; at most {ArtifactLimits.Default.MetadataBytes} are read"
            );
        }

        if ((ulong)metadataOffset + metadataSize > engineOffset)
        {
            throw ArtifactException.Corrupt(
                where,
                $"the metadata ({metadataSize} bytes from {metadataOffset}) runs into the engine at {engineOffset}"
            );
        }

        if (engineOffset > length || engineSize > length - engineOffset)
        {
            throw ArtifactException.Truncated(
                where,
                $"the engine ({engineSize} bytes from {engineOffset}) ends beyond the file's {length} bytes"
            );
        }

        if (engineSize == 0)
        {
            throw ArtifactException.Missing(where, "the container holds no engine");
        }

        ContainerMetadata metadata = ContainerJson.Read(file.Slice((int)metadataOffset, (int)metadataSize), $"{where}, metadata");
        if (aliased != metadata.Aliases.Count > 0)
        {
            throw ArtifactException.Corrupt(
                where,
                aliased ? "a TR02 container aliases nothing" : "a TR01 container has aliased tensors, which only TR02 may have"
            );
        }

        return (metadata, file.Slice((int)engineOffset, (int)engineSize));
    }
}
