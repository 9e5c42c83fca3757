using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Unicode;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Http.V2;

/// <summary>Reads the body of a V2 inference request: JSON, JSON with binary parts behind it, or the raw bytes of a single input.</summary>
/// <remarks>Binary tensors are slices of the body: it must stay as it is until the forward's terminal reply. Source: Open Inference
/// Protocol V2, binary tensor data extension; Triton 2.51 where the text is silent.</remarks>
internal static class InferRequestReader
{
    /// <param name="body">The whole body, decompressed. Binary tensors of the request are views of it.</param>
    /// <param name="headerLength">Value of <c>Inference-Header-Content-Length</c>, null where the header is absent. Read as C's <c>atoi</c>
    /// does, like Triton.</param>
    /// <returns>False when it is refused; <paramref name="fault"/> says why.</returns>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault
    )
    {
        try
        {
            request = Read(body, headerLength, contract);
            fault = null;
            return true;
        }
        catch (ProtocolException refusal)
        {
            request = null;
            fault = refusal.Fault;
            return false;
        }
    }

    private static InferRequest Read(ReadOnlyMemory<byte> body, string? headerLength, InferContract contract)
    {
        int jsonLength = HeaderLength.Read(headerLength, body.Length);
        if (jsonLength == 0)
        {
            return RawRequest.Read(body, contract);
        }

        using RequestScan scan = RequestScan.Rent();
        Scan(body.Span[..jsonLength], scan, contract);
        Tensor[] inputs = TakeInputs(body.Span[..jsonLength], body[jsonLength..], scan.Inputs, contract);
        RequestValidation.Check(scan.Id, inputs, scan.Outputs, contract);
        return new InferRequest
        {
            Contract = contract,
            Id = scan.Id,
            RawId = scan.RawId,
            Inputs = inputs,
            Outputs = [.. scan.Outputs],
            Forms = [.. scan.Forms],
            BinaryByDefault = scan.BinaryByDefault,
            TimeoutMicroseconds = scan.TimeoutMicroseconds,
            Priority = scan.Priority,
            Parameters = [.. scan.Parameters],
        };
    }

    private static void Scan(ReadOnlySpan<byte> json, RequestScan scan, InferContract contract)
    {
        JsonCursor cursor = new(json);
        if (cursor.Peek() != JsonKind.Object)
        {
            cursor.SkipValue();
            cursor.ExpectEnd();
            throw Missing("inputs");
        }

        cursor.EnterObject();
        bool id = false,
            inputs = false,
            outputs = false,
            parameters = false;
        for (bool first = true; cursor.NextMember(first, out string name); first = false)
        {
            switch (name)
            {
                case "id" when !id:
                    id = true;
                    ReadId(ref cursor, scan);
                    break;
                case "inputs" when !inputs:
                    inputs = true;
                    ScanInputs(ref cursor, scan, contract);
                    break;
                case "outputs" when !outputs:
                    outputs = true;
                    ScanOutputs(ref cursor, scan, contract);
                    break;
                case "parameters" when !parameters:
                    parameters = true;
                    ScanParameters(ref cursor, scan);
                    break;
                default:
                    cursor.SkipValue();
                    break;
            }
        }

        cursor.ExpectEnd();
        if (!inputs)
        {
            throw Missing("inputs");
        }
    }

    private static void ReadId(ref JsonCursor cursor, RequestScan scan)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw NotA("id", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        scan.Id = cursor.Text(raw, escaped);
        scan.RawId = !escaped && !Utf8.IsValid(raw) ? raw.ToArray() : null;
    }

    private static void ScanInputs(ref JsonCursor cursor, RequestScan scan, InferContract contract)
    {
        RequireArray(ref cursor, "inputs");
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                throw InputScan.OneSource("no field");
            }

            InputScan input = new();
            cursor.EnterObject();
            for (bool one = true; cursor.NextMember(one, out string name); one = false)
            {
                switch (name)
                {
                    case "name" when input.Name is null:
                        input.Name = ReadName(ref cursor, contract.Inputs);
                        break;
                    case "datatype" when input.Datatype is null:
                        input.Datatype = ReadDatatype(ref cursor);
                        break;
                    case "shape" when input.Shape is null:
                        input.Shape = ReadShape(ref cursor);
                        break;
                    case "data" when input.DataPosition < 0:
                        cursor.Peek();
                        input.DataPosition = cursor.Position;
                        cursor.SkipValue();
                        break;
                    case "parameters" when cursor.Peek() == JsonKind.Object:
                        ScanInputParameters(ref cursor, ref input);
                        break;
                    default:
                        cursor.SkipValue();
                        break;
                }
            }

            scan.Add(input);
        }
    }

    private static void ScanInputParameters(ref JsonCursor cursor, ref InputScan input)
    {
        cursor.EnterObject();
        for (bool first = true; cursor.NextMember(first, out string name); first = false)
        {
            switch (name)
            {
                case "binary_data_size" when input.BinarySize < 0:
                    input.BinarySize = ReadUnsigned(ref cursor, "binary_data_size");
                    break;
                case "shared_memory_region":
                    input.SharedMemory = true;
                    cursor.SkipValue();
                    break;
                default:
                    cursor.SkipValue();
                    break;
            }
        }
    }

    private static void ScanOutputs(ref JsonCursor cursor, RequestScan scan, InferContract contract)
    {
        RequireArray(ref cursor, "outputs");
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                throw Missing("name");
            }

            string? output = null;
            bool binary = false;
            long classes = 0;
            cursor.EnterObject();
            for (bool one = true; cursor.NextMember(one, out string name); one = false)
            {
                switch (name)
                {
                    case "name" when output is null:
                        output = ReadName(ref cursor, contract.Outputs);
                        break;
                    case "parameters" when cursor.Peek() == JsonKind.Object:
                        ScanOutputParameters(ref cursor, ref binary, ref classes);
                        break;
                    default:
                        cursor.SkipValue();
                        break;
                }
            }

            output = output ?? throw Missing("name");
            if (!scan.Outputs.Contains(output))
            {
                scan.Outputs.Add(output);
                scan.Forms.Add(new OutputForm(binary, (ulong)classes));
            }
        }
    }

    private static void ScanOutputParameters(ref JsonCursor cursor, ref bool binary, ref long classes)
    {
        bool seenBinary = false,
            seenClasses = false;
        cursor.EnterObject();
        for (bool first = true; cursor.NextMember(first, out string name); first = false)
        {
            switch (name)
            {
                case "binary_data" when !seenBinary:
                    seenBinary = true;
                    binary = ReadBoolean(ref cursor, name);
                    break;
                case "classification" when !seenClasses:
                    seenClasses = true;
                    classes = ReadUnsigned(ref cursor, name);
                    break;
                case "shared_memory_region":
                    throw SharedMemory();
                default:
                    cursor.SkipValue();
                    break;
            }
        }
    }

    private static void ScanParameters(ref JsonCursor cursor, RequestScan scan)
    {
        if (cursor.Peek() != JsonKind.Object)
        {
            throw NotA("parameters", "object");
        }

        cursor.EnterObject();
        for (bool first = true; cursor.NextMember(first, out string name); first = false)
        {
            if (name == "binary_data_output")
            {
                scan.BinaryByDefault = ReadBoolean(ref cursor, name);
                continue;
            }

            if (name.StartsWith("triton_", StringComparison.Ordinal))
            {
                throw ProtocolException.Bad($"parameter keys starting with 'triton_' are reserved for internal use. Found: '{name}'");
            }

            InferParameter parameter = cursor.Peek() switch
            {
                JsonKind.String => new InferParameter(name, Text: cursor.ReadString()),
                JsonKind.True or JsonKind.False => new InferParameter(name, Flag: cursor.ReadBoolean()),
                JsonKind.Number => ReadNumber(ref cursor, name),
                JsonKind.Object or JsonKind.Array or JsonKind.Null => throw ProtocolException.Bad(
                    $"parameter '{name}' has invalid type. It should be either 'int', 'bool', 'string' or 'double'."
                ),
            };
            Take(scan, parameter);
        }
    }

    /// <summary>Parameters that mean something to the protocol have a type of their own.</summary>
    private static void Take(RequestScan scan, in InferParameter parameter)
    {
        switch (parameter.Name)
        {
            case "timeout":
                scan.TimeoutMicroseconds = Unsigned(parameter);
                break;
            case "priority":
                scan.Priority = Unsigned(parameter);
                break;
            case "sequence_id" when parameter.Text is null && parameter.Integer is not >= 0:
                throw ProtocolException.Bad("Unable to parse 'sequence_id': it is an unsigned integer or a string");
            case "sequence_id" when parameter.Text is { Length: > 128 }:
                throw ProtocolException.Bad("Unable to parse 'sequence_id': a string has at most 128 characters");
            case "sequence_start" or "sequence_end" when parameter.Flag is null:
                throw NotA(parameter.Name, "boolean");
            default:
                scan.Parameters.Add(parameter);
                break;
        }
    }

    private static ulong Unsigned(in InferParameter parameter) =>
        parameter.Integer is >= 0 and { } value ? (ulong)value : throw NotA(parameter.Name, "unsigned-integer");

    private static InferParameter ReadNumber(ref JsonCursor cursor, string name)
    {
        ReadOnlySpan<byte> number = cursor.ReadNumber();
        return Utf8Parser.TryParse(number, out long integer, out int used) && used == number.Length
            ? new InferParameter(name, Integer: integer)
            : new InferParameter(name, Number: cursor.ToDouble(number));
    }

    /// <summary>Makes the tensors: JSON data is read now, binary data is cut off the tail in the order of the inputs.</summary>
    private static Tensor[] TakeInputs(
        ReadOnlySpan<byte> json,
        ReadOnlyMemory<byte> tail,
        ReadOnlySpan<InputScan> scans,
        InferContract model
    )
    {
        Tensor[] inputs = new Tensor[scans.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            ref readonly InputScan scan = ref scans[i];
            (string name, ElementType type, TensorShape shape) = scan.Described();
            ReadOnlyMemory<byte> data;
            if (scan.BinarySize >= 0)
            {
                data =
                    scan.BinarySize <= tail.Length
                        ? tail[..(int)scan.BinarySize]
                        : throw ProtocolException.Bad(
                            $"unexpected size for input '{name}', expecting {scan.BinarySize - tail.Length} additional bytes for model '{model.Model}'"
                        );
                tail = tail[(int)scan.BinarySize..];
            }
            else
            {
                JsonCursor cursor = new(json) { Position = scan.DataPosition };
                data = TensorJson.Read(ref cursor, type, RequestValidation.ElementCount(shape, name), name);
            }

            inputs[i] = new Tensor(name, type, shape, data);
        }

        return tail.IsEmpty ? inputs : throw ProtocolException.Bad($"unexpected additional input data for model '{model.Model}'");
    }

    private static TensorShape ReadShape(ref JsonCursor cursor)
    {
        RequireArray(ref cursor, "shape");
        Span<long> dimensions = stackalloc long[TensorShape.MaxRank];
        int rank = 0;
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (rank == TensorShape.MaxRank)
            {
                throw ProtocolException.Bad($"Unable to parse 'shape': a tensor has at most {TensorShape.MaxRank} dimensions");
            }

            dimensions[rank++] = ReadUnsigned(ref cursor, "shape");
        }

        return new TensorShape(dimensions[..rank]);
    }

    /// <summary>The name of a tensor; one of the model's is not made anew.</summary>
    private static string ReadName(ref JsonCursor cursor, IReadOnlyList<TensorSpec> known)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw NotA("name", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        for (int i = 0; i < known.Count && !escaped; i++)
        {
            if (Utf8Text.Equals(raw, known[i].Name))
            {
                return known[i].Name;
            }
        }

        return cursor.Text(raw, escaped);
    }

    private static string ReadDatatype(ref JsonCursor cursor)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw NotA("datatype", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        return escaped ? cursor.Text(raw, escaped) : KnownNames.Datatype(raw) ?? cursor.Text(raw, escaped);
    }

    private static void RequireArray(ref JsonCursor cursor, string member)
    {
        if (cursor.Peek() != JsonKind.Array)
        {
            throw ProtocolException.Bad($"Unable to parse '{member}': attempt to access JSON non-array as array");
        }

        cursor.EnterArray();
    }

    private static long ReadUnsigned(ref JsonCursor cursor, string member)
    {
        ReadOnlySpan<byte> number = cursor.Peek() == JsonKind.Number ? cursor.ReadNumber() : default;
        return Utf8Parser.TryParse(number, out ulong value, out int used) && used == number.Length && value <= long.MaxValue
            ? (long)value
            : throw NotA(member, "unsigned-integer");
    }

    private static bool ReadBoolean(ref JsonCursor cursor, string member) =>
        cursor.Peek() is JsonKind.True or JsonKind.False ? cursor.ReadBoolean() : throw NotA(member, "boolean");

    internal static ProtocolException Missing(string member) =>
        ProtocolException.Bad(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Unable to parse '{member}': attempt to access non-existing object member '{member}'"
            )
        );

    internal static ProtocolException SharedMemory() =>
        ProtocolException.Bad("shared memory is not supported by this server: send the tensor as binary or JSON data");

    private static ProtocolException NotA(string member, string kind) =>
        ProtocolException.Bad($"Unable to parse '{member}': attempt to access JSON non-{kind} as {kind}");
}
