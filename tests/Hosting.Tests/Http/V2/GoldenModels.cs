using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>The small models behind the recorded exchanges, as contracts and as the arithmetic they do.</summary>
internal static class GoldenModels
{
    private static readonly TensorShape Matrix = new(-1, -1),
        Sixteen = new(-1, 16);

    public static InferContract? Find(string path)
    {
        string name = path.Split('/')[3];
        return name switch
        {
            "simple" => Pairs(name, ElementType.Int32),
            "simple_int8" => Pairs(name, ElementType.Int8),
            "simple_string" => Pairs(name, ElementType.Bytes),
            "simple_identity" => Contract(name, [new("INPUT0", ElementType.Bytes, Matrix)], [new("OUTPUT0", ElementType.Bytes, Matrix)], 8),
            "mixed" => Contract(
                name,
                [new("A", ElementType.Int32, new(-1, 2)), new("B", ElementType.Bytes, new(-1, 2)), new("C", ElementType.Fp32, Matrix)],
                [new("X", ElementType.Int32, new(-1, 2)), new("Y", ElementType.Bytes, new(-1, 2)), new("Z", ElementType.Fp32, Matrix)],
                4
            ),
            "classify" => Contract(
                name,
                [new("INPUT0", ElementType.Fp32, new(-1, 5))],
                [new("OUTPUT0", ElementType.Fp32, new(-1, 5))],
                8,
                labels: ["cat", "dog", "bird", "fish"]
            ),
            "versions" or "priority" => Contract(
                name,
                [new("INPUT0", ElementType.Fp32, new(-1, 2))],
                [new("OUTPUT0", ElementType.Fp32, new(-1, 2))],
                4,
                version: Version(path) ?? (name == "versions" ? 3 : 1)
            ),
            "auto_batch" => Contract(
                name,
                [new("INPUT0", ElementType.Fp32, new(-1, 3)), new("INPUT1", ElementType.Fp32, new(-1, 3))],
                [new("OUTPUT0", ElementType.Fp32, new(-1, 3)), new("OUTPUT1", ElementType.Fp32, new(-1, 3))],
                4
            ),
            "auto_nobatch" => Contract(
                name,
                [new("INPUT0", ElementType.Int64, new(2, 3))],
                [new("OUTPUT0", ElementType.Int64, new(2, 3))],
                0
            ),
            "fmnist" => Contract(
                name,
                [new("image", ElementType.Fp32, new(-1, 1, 28, 28))],
                [new("logits", ElementType.Fp32, new(-1, 10))],
                4
            ),
            _ when name.StartsWith("identity_", StringComparison.Ordinal)
                    && ElementTypes.TryParse(name[9..].ToUpperInvariant(), out ElementType type) => Contract(
                name,
                [new("INPUT0", type, Matrix)],
                [new("OUTPUT0", type, Matrix)],
                0
            ),
            _ => null,
        };
    }

    /// <summary>What the model answers; null where it takes a network to know, or where the recorded back end cut strings at a NUL
    /// byte.</summary>
    public static Tensor[]? Run(InferContract model, Tensor[] inputs) =>
        model.Model switch
        {
            "fmnist" => null,
            "identity_bytes" when inputs[0].Data.Span.IndexOf("a\0b"u8) >= 0 => null,
            "mixed" => [Renamed(inputs, "A", "X"), Renamed(inputs, "B", "Y"), Renamed(inputs, "C", "Z")],
            "versions" =>
            [
                Added(
                    inputs[0],
                    model.Version switch
                    {
                        1 => 0,
                        3 => 3,
                        _ => 2,
                    }
                ),
            ],
            "auto_batch" => [Sum(inputs, "OUTPUT0", 1), Sum(inputs, "OUTPUT1", -1)],
            "simple" or "simple_int8" or "simple_string" =>
            [
                Combine(inputs, "OUTPUT0", (a, b) => a + b),
                Combine(inputs, "OUTPUT1", (a, b) => a - b),
            ],
            _ => [inputs[0] with { Name = "OUTPUT0" }],
        };

    private static InferContract Pairs(string name, ElementType type) =>
        Contract(
            name,
            [new("INPUT0", type, Sixteen), new("INPUT1", type, Sixteen)],
            [new("OUTPUT0", type, Sixteen), new("OUTPUT1", type, Sixteen)],
            8
        );

    private static InferContract Contract(
        string name,
        TensorSpec[] inputs,
        TensorSpec[] outputs,
        int maxBatchSize,
        int version = 1,
        params string[] labels
    ) =>
        new()
        {
            Model = name,
            Version = version,
            Inputs = inputs,
            Outputs = outputs,
            MaxBatchSize = maxBatchSize,
            Labels =
                labels.Length > 0
                    ? new Dictionary<string, IReadOnlyList<string>> { [outputs[0].Name] = labels }
                    : new Dictionary<string, IReadOnlyList<string>>(),
        };

    private static int? Version(string path) =>
        path.Split('/') is [.., "versions", string number, _] ? int.Parse(number, CultureInfo.InvariantCulture) : null;

    private static Tensor Added(Tensor input, float more) =>
        input with
        {
            Name = "OUTPUT0",
            Data = Floats(input).SelectMany(value => BitConverter.GetBytes(value + more)).ToArray(),
        };

    private static Tensor Sum(Tensor[] inputs, string output, float sign) =>
        new(
            output,
            ElementType.Fp32,
            inputs[0].Shape,
            Floats(inputs.Single(input => input.Name == "INPUT0"))
                .Zip(Floats(inputs.Single(input => input.Name == "INPUT1")), (a, b) => a + (sign * b))
                .SelectMany(BitConverter.GetBytes)
                .ToArray()
        );

    private static float[] Floats(Tensor tensor) =>
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(tensor.Data.Span).ToArray();

    private static Tensor Renamed(Tensor[] inputs, string from, string to) => inputs.Single(input => input.Name == from) with { Name = to };

    private static Tensor Combine(Tensor[] inputs, string output, Func<int, int, int> combine)
    {
        Tensor left = inputs.Single(input => input.Name == "INPUT0"),
            right = inputs.Single(input => input.Name == "INPUT1");
        IEnumerable<int> values = Values(left).Zip(Values(right), combine);
        return new Tensor(
            output,
            left.Type,
            left.Shape,
            left.Type switch
            {
                ElementType.Int32 => values.SelectMany(BitConverter.GetBytes).ToArray(),
                ElementType.Int8 => values.Select(value => unchecked((byte)value)).ToArray(),
                _ => values.SelectMany(value => Prefixed(value.ToString(CultureInfo.InvariantCulture))).ToArray(),
            }
        );
    }

    private static IEnumerable<int> Values(Tensor tensor)
    {
        ReadOnlyMemory<byte> rest = tensor.Data;
        while (!rest.IsEmpty)
        {
            switch (tensor.Type)
            {
                case ElementType.Int32:
                    yield return BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
                    rest = rest[4..];
                    break;
                case ElementType.Int8:
                    yield return unchecked((sbyte)rest.Span[0]);
                    rest = rest[1..];
                    break;
                default:
                    int length = BinaryPrimitives.ReadInt32LittleEndian(rest.Span);
                    yield return int.Parse(Encoding.UTF8.GetString(rest.Span.Slice(4, length)), CultureInfo.InvariantCulture);
                    rest = rest[(4 + length)..];
                    break;
            }
        }
    }

    private static byte[] Prefixed(string text) => [.. BitConverter.GetBytes(text.Length), .. Encoding.ASCII.GetBytes(text)];
}
