using System.Text.Unicode;
using Troupe.Hosting.Edge;

namespace Troupe.Hosting.Http.V2;

/// <summary>One pass over the JSON of a request: which members there are, in whatever order, and where their data begins.</summary>
internal static class RequestMembers
{
    public static void Scan(JsonCursor cursor, RequestScan scan, InferContract contract)
    {
        if (cursor.Peek() != JsonKind.Object)
        {
            cursor.SkipValue();
            cursor.ExpectEnd();
            throw RequestValue.Missing("inputs");
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
                    RequestParameters.Scan(ref cursor, scan);
                    break;
                default:
                    cursor.SkipValue();
                    break;
            }
        }

        cursor.ExpectEnd();
        if (!inputs)
        {
            throw RequestValue.Missing("inputs");
        }
    }

    private static void ReadId(ref JsonCursor cursor, RequestScan scan)
    {
        if (cursor.Peek() != JsonKind.String)
        {
            throw RequestValue.NotA("id", "string");
        }

        ReadOnlySpan<byte> raw = cursor.ReadRawString(out bool escaped);
        scan.Id = cursor.Text(raw, escaped);
        scan.RawId = !escaped && !Utf8.IsValid(raw) ? raw.ToArray() : null;
    }

    /// <summary>One more than the model has is kept, so that it is refused; the rest is passed over.</summary>
    private static void ScanInputs(ref JsonCursor cursor, RequestScan scan, InferContract contract)
    {
        RequestValue.RequireArray(ref cursor, "inputs");
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                throw InputScan.OneSource("no field");
            }

            if (scan.Inputs.Length > contract.Inputs.Count)
            {
                cursor.SkipValue();
                continue;
            }

            InputScan input = new();
            cursor.EnterObject();
            for (bool one = true; cursor.NextMember(one, out string name); one = false)
            {
                switch (name)
                {
                    case "name" when input.Name is null:
                        input.Name = RequestValue.ReadName(ref cursor, contract.Inputs, out _);
                        break;
                    case "datatype" when input.Datatype is null:
                        input.Datatype = RequestValue.ReadDatatype(ref cursor);
                        break;
                    case "shape" when input.Shape is null:
                        input.Shape = RequestValue.ReadShape(ref cursor);
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
                case "binary_data_size" when input.BinarySize is null:
                    input.BinarySize = RequestValue.ReadUnsigned(ref cursor, "binary_data_size");
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

    /// <summary>Of names that the model has not, the first is kept, so that it is refused.</summary>
    private static void ScanOutputs(ref JsonCursor cursor, RequestScan scan, InferContract contract)
    {
        RequestValue.RequireArray(ref cursor, "outputs");
        bool refused = false;
        for (bool first = true; cursor.NextElement(first); first = false)
        {
            if (cursor.Peek() != JsonKind.Object)
            {
                throw RequestValue.Missing("name");
            }

            string? output = null;
            bool isKnown = false,
                binary = false;
            ulong classes = 0;
            cursor.EnterObject();
            for (bool one = true; cursor.NextMember(one, out string name); one = false)
            {
                switch (name)
                {
                    case "name" when output is null:
                        output = RequestValue.ReadName(ref cursor, contract.Outputs, out isKnown);
                        break;
                    case "parameters" when cursor.Peek() == JsonKind.Object:
                        ScanOutputParameters(ref cursor, ref binary, ref classes);
                        break;
                    default:
                        cursor.SkipValue();
                        break;
                }
            }

            output = output ?? throw RequestValue.Missing("name");
            if (isKnown ? !scan.Outputs.Contains(output) : !refused)
            {
                scan.Outputs.Add(output);
                scan.Forms.Add(new OutputForm(binary, classes));
                refused |= !isKnown;
            }
        }
    }

    private static void ScanOutputParameters(ref JsonCursor cursor, ref bool binary, ref ulong classes)
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
                    binary = RequestValue.ReadBoolean(ref cursor, name);
                    break;
                case "classification" when !seenClasses:
                    seenClasses = true;
                    classes = RequestValue.ReadUnsigned(ref cursor, name);
                    break;
                case "shared_memory_region":
                    throw RequestValue.SharedMemory();
                default:
                    cursor.SkipValue();
                    break;
            }
        }
    }
}
