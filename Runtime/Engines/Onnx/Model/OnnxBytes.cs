namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>Knows ONNX models by their first bytes.</summary>
internal static class OnnxBytes
{
    /// <summary>ONNX files bear no mark. They are protobuf messages, and writers put fields in order: first the version of the format (a
    /// small number), then one of the fields that a model has.</summary>
    public static int Recognise(ReadOnlySpan<byte> head) => head is [0x08, > 0 and < 0x80, var next, ..] && IsFieldOfModel(next) ? 3 : 0;

    /// <summary>Producer's name and version, domain, model's version, text, graph, operator sets.</summary>
    private static bool IsFieldOfModel(byte tag) => tag is 0x12 or 0x1A or 0x22 or 0x28 or 0x32 or 0x3A or 0x42;
}
