using System.Buffers.Binary;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using DataCase = Troupe.Runtime.Configuration.ModelWarmup.Types.Input.InputDataTypeOneofCase;

namespace Troupe.Runtime.Configuration;

/// <summary>Makes the calls of <c>model_warmup</c>: zeros, random values, or the bytes of a file in the model's folder
/// <c>warmup</c>.</summary>
internal static class WarmupRequests
{
    /// <summary>Where the files stand in the model's folder.</summary>
    public const string Folder = "warmup";

    private const int MaxCount = 1000;

    private const long MaxBytes = 1 << 30;

    /// <param name="inputs">What callers see of the model.</param>
    /// <param name="read">A file of the folder, at most so many bytes of it.</param>
    /// <exception cref="ModuleLoadException">A call does not fit the model, or a file is missing or short.</exception>
    public static IReadOnlyList<WarmupRequest> Of(
        ModelConfig config,
        IReadOnlyList<TensorSpec> inputs,
        Func<string, long, ReadOnlyMemory<byte>> read
    ) => [.. config.ModelWarmup.Select(sample => Of(config, sample, inputs, read))];

    private static WarmupRequest Of(
        ModelConfig config,
        ModelWarmup sample,
        IReadOnlyList<TensorSpec> inputs,
        Func<string, long, ReadOnlyMemory<byte>> read
    )
    {
        if (sample.Count > MaxCount || sample.BatchSize > Math.Max(1, config.MaxBatchSize))
        {
            throw Refused(
                config,
                sample,
                sample.Count > MaxCount
                    ? $"has count {sample.Count}: give at most {MaxCount}."
                    : $"has batch_size {sample.BatchSize}, and max_batch_size is {config.MaxBatchSize}. Make it smaller."
            );
        }

        if (inputs.FirstOrDefault(input => !input.IsOptional && !sample.Inputs.ContainsKey(input.Name)) is { } missing)
        {
            throw Refused(config, sample, $"gives nothing for the input '{missing.Name}'. Add it.");
        }

        Tensor[] tensors =
        [
            .. sample.Inputs.Select(given =>
                Of(
                    config,
                    sample,
                    inputs.FirstOrDefault(input => input.Name == given.Key)
                        ?? throw Refused(config, sample, $"has the input '{given.Key}', which the model has not. Leave it out."),
                    given.Value,
                    read
                )
            ),
        ];
        return new WarmupRequest(sample.Name, tensors, Math.Max(1, (int)sample.Count));
    }

    private static Tensor Of(
        ModelConfig config,
        ModelWarmup sample,
        TensorSpec spec,
        ModelWarmup.Types.Input given,
        Func<string, long, ReadOnlyMemory<byte>> read
    )
    {
        if (given.DataType != DataType.TypeInvalid && DataTypes.Of(given.DataType) != spec.Type)
        {
            throw Refused(config, sample, $"gives '{spec.Name}' another type than the model's {DataTypes.NameOf(spec.Type)}. Correct it.");
        }

        if (given.Dims.Any(dimension => dimension < 1) || given.Dims.Count >= TensorShape.MaxRank)
        {
            throw Refused(config, sample, $"gives '{spec.Name}' dims [{string.Join(',', given.Dims)}]: each is at least 1.");
        }

        bool isBatched = config.MaxBatchSize > 0 && spec.Shape.Rank == given.Dims.Count + 1;
        long batch = isBatched ? Math.Max(1, sample.BatchSize) : 1;
        TensorShape one = new([.. given.Dims]),
            whole = isBatched ? new([batch, .. given.Dims]) : one;
        if (!spec.Admits(whole))
        {
            throw Refused(config, sample, $"gives '{spec.Name}' the shape {whole}, and the model takes {spec.Shape}. Correct dims.");
        }

        if (!one.TryGetElementCount(out long elements) || elements > MaxBytes / 8 / batch)
        {
            throw Refused(config, sample, $"gives '{spec.Name}' more than {MaxBytes} bytes. Make dims smaller.");
        }

        return new Tensor(spec.Name, spec.Type, whole, Repeated(DataOf(config, sample, spec, given, elements, read), batch));
    }

    private static ReadOnlyMemory<byte> DataOf(
        ModelConfig config,
        ModelWarmup sample,
        TensorSpec spec,
        ModelWarmup.Types.Input given,
        long elements,
        Func<string, long, ReadOnlyMemory<byte>> read
    )
    {
        bool isText = spec.Type == ElementType.Bytes;
        long bytes = isText ? 4 * elements : spec.Type.ByteCount(elements);
        switch (given.InputDataTypeCase)
        {
            case DataCase.InputDataFile:
                ReadOnlyMemory<byte> data = read(given.InputDataFile, isText ? MaxBytes : bytes);
                return isText ? Texts(data) : Whole(data);
            case DataCase.RandomData:
                byte[] random = new byte[bytes];
                if (!isText)
                {
                    // Whatever the type, small values: none of them is out of an index's range by its sign or size.
                    Fill(random, spec.Type);
                }

                return random;
            case DataCase.ZeroData:
                return new byte[bytes];
            case DataCase.None:
            default:
                throw Refused(config, sample, $"says nothing of the data of '{spec.Name}': zero_data, random_data or input_data_file.");
        }

        ReadOnlyMemory<byte> Whole(ReadOnlyMemory<byte> data) =>
            data.Length >= bytes
                ? data
                : throw Refused(
                    config,
                    sample,
                    $"reads '{given.InputDataFile}' for '{spec.Name}', which has {data.Length} bytes and needs {bytes}. Give it all of them."
                );

        ReadOnlyMemory<byte> Texts(ReadOnlyMemory<byte> data)
        {
            var strings = new BytesElements(data.Span);
            BytesStep step;
            do
            {
                step = strings.Next();
            } while (step == BytesStep.Element);

            return step == BytesStep.End && strings.Count == elements
                ? data
                : throw Refused(
                    config,
                    sample,
                    $"reads '{given.InputDataFile}' for '{spec.Name}', which does not hold {elements} texts, each behind its length of 4 bytes. Correct it."
                );
        }
    }

    /// <summary>Values from 0 to 1, the same in each run.</summary>
    private static void Fill(Span<byte> data, ElementType type)
    {
        var random = new Random(1);
        int width = (int)type.ByteCount(1);
        for (int at = 0; at + width <= data.Length; at += width)
        {
            switch (type)
            {
                case ElementType.Fp32:
                    BinaryPrimitives.WriteSingleLittleEndian(data[at..], random.NextSingle());
                    break;
                case ElementType.Fp64:
                    BinaryPrimitives.WriteDoubleLittleEndian(data[at..], random.NextDouble());
                    break;
                case ElementType.Fp16:
                    BinaryPrimitives.WriteHalfLittleEndian(data[at..], (Half)random.NextSingle());
                    break;
                case ElementType.Bf16:
                    BinaryPrimitives.WriteUInt16LittleEndian(
                        data[at..],
                        (ushort)(BitConverter.SingleToUInt32Bits(random.NextSingle()) >> 16)
                    );
                    break;
                default:
                    data[at] = (byte)random.Next(2);
                    break;
            }
        }
    }

    private static ReadOnlyMemory<byte> Repeated(ReadOnlyMemory<byte> one, long times)
    {
        if (times == 1)
        {
            return one;
        }

        byte[] all = new byte[checked((int)(one.Length * times))];
        for (int index = 0; index < times; index++)
        {
            one.Span.CopyTo(all.AsSpan(index * one.Length));
        }

        return all;
    }

    private static ModuleLoadException Refused(ModelConfig config, ModelWarmup sample, string problem) =>
        new(FailureKind.InvalidModel, $"model_warmup '{sample.Name}' of model '{config.Name}' {problem}");
}
