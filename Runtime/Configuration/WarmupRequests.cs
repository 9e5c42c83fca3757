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

    /// <summary>Of all inputs of one call together, with its batch.</summary>
    private const long MaxBytes = 1 << 30;

    /// <summary>Each call is made when it is asked for, so that there is one at a time.</summary>
    /// <param name="inputs">What callers see of the model.</param>
    /// <param name="read">A file of the folder.</param>
    /// <exception cref="ModuleLoadException">A call does not fit the model, or a file is missing or short.</exception>
    public static IEnumerable<WarmupRequest> Of(ModelConfig config, IReadOnlyList<TensorSpec> inputs, ReadWarmupFile read) =>
        config.ModelWarmup.Select(sample => Of(config, sample, inputs, read));

    private static WarmupRequest Of(ModelConfig config, ModelWarmup sample, IReadOnlyList<TensorSpec> inputs, ReadWarmupFile read)
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

        WarmupInput[] sized =
        [
            .. sample.Inputs.Select(given =>
                Of(
                    config,
                    sample,
                    inputs.FirstOrDefault(input => input.Name == given.Key)
                        ?? throw Refused(config, sample, $"has the input '{given.Key}', which the model has not. Leave it out."),
                    given.Value
                )
            ),
        ];
        long left = MaxBytes - sized.Sum(input => input.Bytes * input.Batch);
        if (left < 0)
        {
            throw Refused(
                config,
                sample,
                $"takes {MaxBytes - left} bytes with all its inputs; a call has at most {MaxBytes}. Make dims or batch_size smaller."
            );
        }

        var tensors = new List<Tensor>(sized.Length);
        foreach (WarmupInput input in sized)
        {
            // Texts are as long as their file says, in place of the shortest that were counted.
            long most = input.Bytes + left / input.Batch;
            ReadOnlyMemory<byte> one = DataOf(config, sample, input, most, read);
            left -= (one.Length - input.Bytes) * input.Batch;
            tensors.Add(new Tensor(input.Spec.Name, input.Spec.Type, input.Shape, Repeated(one, input.Batch)));
        }

        return new WarmupRequest(sample.Name, tensors, Math.Max(1, (int)sample.Count));
    }

    private static WarmupInput Of(ModelConfig config, ModelWarmup sample, TensorSpec spec, ModelWarmup.Types.Input given)
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

        if (!one.TryGetElementCount(out long elements) || elements > MaxBytes / batch)
        {
            throw Refused(config, sample, $"gives '{spec.Name}' more than {MaxBytes} bytes. Make dims or batch_size smaller.");
        }

        long bytes = spec.Type == ElementType.Bytes ? 4 * elements : spec.Type.ByteCount(elements);
        return new WarmupInput(spec, given, whole, elements, bytes, batch);
    }

    private static ReadOnlyMemory<byte> DataOf(ModelConfig config, ModelWarmup sample, WarmupInput input, long most, ReadWarmupFile read)
    {
        TensorSpec spec = input.Spec;
        ModelWarmup.Types.Input given = input.Given;
        long elements = input.Elements,
            bytes = input.Bytes;
        bool isText = spec.Type == ElementType.Bytes;
        switch (given.InputDataTypeCase)
        {
            case DataCase.InputDataFile:
                return isText
                    ? Texts(read(given.InputDataFile, most, isWhole: true))
                    : Whole(read(given.InputDataFile, bytes, isWhole: false));
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

        byte[] all = new byte[one.Length * times];
        for (int index = 0; index < times; index++)
        {
            one.Span.CopyTo(all.AsSpan(index * one.Length));
        }

        return all;
    }

    /// <param name="Shape">With the batch.</param>
    /// <param name="Elements">Of one of the batch.</param>
    /// <param name="Bytes">Of one of the batch; of texts at least.</param>
    private sealed record WarmupInput(
        TensorSpec Spec,
        ModelWarmup.Types.Input Given,
        TensorShape Shape,
        long Elements,
        long Bytes,
        long Batch
    );

    private static ModuleLoadException Refused(ModelConfig config, ModelWarmup sample, string problem) =>
        new(FailureKind.InvalidModel, $"model_warmup '{sample.Name}' of model '{config.Name}' {problem}");
}
