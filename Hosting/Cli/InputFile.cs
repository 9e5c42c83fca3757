using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.V2;
using Troupe.Hosting.Pictures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Cli;

/// <summary>Reads the file of <c>--input NAME=FILE</c> as the tensor its model wants.</summary>
internal static class InputFile
{
    /// <exception cref="CliException">The file is not there, or does not fit the input.</exception>
    public static Tensor Read(TensorSpec spec, string path)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(path);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCode.PathNotFound, $"--input: {spec.Name}: cannot read '{path}': {missing.Message}", missing);
        }

        return Path.GetExtension(path).ToUpperInvariant() switch
        {
            ".PNG" or ".JPG" or ".JPEG" => FromPicture(spec, path, file),
            ".JSON" => FromJson(spec, path, file),
            _ when IdxFile.IsIdx(file) => FromIdx(spec, path, file),
            _ => FromBytes(spec, path, file),
        };
    }

    /// <summary>A picture for [n, channels, height, width] or [n, height, width, channels], scaled to 0..1.</summary>
    private static Tensor FromPicture(TensorSpec spec, string path, byte[] file)
    {
        TensorShape shape = spec.Shape;
        bool planes = shape.Rank == 4 && shape[1] is 1 or 3;
        bool interleaved = shape.Rank == 4 && !planes && shape[3] is 1 or 3;
        if (spec.Type != ElementType.Fp32 || (!planes && !interleaved))
        {
            throw Unfit(
                spec,
                path,
                "a picture fits an FP32 input of [n,channels,height,width] or [n,height,width,channels] with 1 or 3 channels"
            );
        }

        (int channels, int height, int width) = planes
            ? ((int)shape[1], (int)shape[2], (int)shape[3])
            : ((int)shape[3], (int)shape[1], (int)shape[2]);
        try
        {
            Picture picture = Picture.Decode(file, channels);
            picture = picture.Resize(width > 0 ? width : picture.Width, height > 0 ? height : picture.Height);
            byte[] data = PictureTensor.ToFp32(picture, planes ? ChannelOrder.Planes : ChannelOrder.Interleaved, 0, 1);
            TensorShape actual = planes
                ? new TensorShape(1, channels, picture.Height, picture.Width)
                : new TensorShape(1, picture.Height, picture.Width, channels);
            return new Tensor(spec.Name, spec.Type, actual, data);
        }
        catch (InvalidDataException undecodable)
        {
            throw Unfit(spec, path, undecodable.Message);
        }
    }

    /// <summary>The first picture of an IDX file, scaled to 0..1.</summary>
    private static Tensor FromIdx(TensorSpec spec, string path, byte[] file)
    {
        try
        {
            IdxFile pictures = IdxFile.Parse(file);
            if (spec.Type != ElementType.Fp32 || pictures.Sizes is not [> 0, int height, int width])
            {
                throw Unfit(
                    spec,
                    path,
                    $"an IDX file of [n,height,width] fits an FP32 input, this one is [{string.Join(',', pictures.Sizes)}]"
                );
            }

            byte[] data = PictureTensor.ToFp32(new Picture(width, height, 1, pictures.Entry(0).ToArray()), ChannelOrder.Planes, 0, 1);
            return new Tensor(spec.Name, spec.Type, Shape(spec, path, width * height), data);
        }
        catch (InvalidDataException damaged)
        {
            throw Unfit(spec, path, damaged.Message);
        }
    }

    private static Tensor FromJson(TensorSpec spec, string path, byte[] file)
    {
        try
        {
            JsonCursor counter = new(file);
            long elements = TensorJsonReader.Count(ref counter);
            JsonCursor cursor = new(file);
            using HostMemory memory = new();
            RequestMemory room = new(memory, Array.MaxLength);
            TensorPayload read = TensorJsonReader.Read(ref cursor, spec.Type, elements, spec.Name, room);
            byte[] data = read.Bytes.ToArray();
            ((TensorPayload.Leased)read).Lease.Release();
            return new Tensor(spec.Name, spec.Type, Shape(spec, path, elements), data);
        }
        catch (ProtocolException malformed)
        {
            throw Unfit(spec, path, malformed.Message);
        }
    }

    private static Tensor FromBytes(TensorSpec spec, string path, byte[] file)
    {
        if (spec.Type == ElementType.Bytes)
        {
            return new Tensor(spec.Name, spec.Type, Shape(spec, path, 1), BytesElements.Single(file));
        }

        long elements = file.Length * 8L / spec.Type.BitCount();
        return spec.Type.ByteCount(elements) == file.Length
            ? new Tensor(spec.Name, spec.Type, Shape(spec, path, elements), file)
            : throw Unfit(spec, path, $"its {file.Length} bytes are not a whole number of {spec.Type.ProtocolName()} elements");
    }

    /// <summary>The model's shape with its one free dimension filled by what the file holds; further free ones are 1.</summary>
    private static TensorShape Shape(TensorSpec spec, string path, long elements)
    {
        long[] dimensions = spec.Shape.Span.ToArray();
        int free = Array.IndexOf(dimensions, -1L);
        for (int axis = 0; axis < dimensions.Length; axis++)
        {
            dimensions[axis] = dimensions[axis] < 0 ? 1 : dimensions[axis];
        }

        long rest = new TensorShape(dimensions).ElementCount;
        if (free >= 0 && rest > 0 && elements % rest == 0)
        {
            dimensions[free] = elements / rest;
        }

        TensorShape shape = new(dimensions);
        return shape.ElementCount == elements ? shape : throw Unfit(spec, path, $"its {elements} elements do not fill {spec.Shape}");
    }

    private static CliException Unfit(TensorSpec spec, string path, string why) =>
        new(ExitCode.Usage, $"--input: {spec.Name}: '{path}': {why}");
}
