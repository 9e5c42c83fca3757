using System.Text.Json;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>The binary parts of an answer, by the names of their outputs: FP32 within 1e-4, everything else byte by byte.</summary>
internal static class GoldenTail
{
    public static string? Difference(JsonElement want, ReadOnlySpan<byte> wanted, JsonElement got, ReadOnlySpan<byte> given)
    {
        Dictionary<string, (string Type, byte[] Data)> left = Split(want, wanted),
            right = Split(got, given);
        foreach ((string name, (string type, byte[] data)) in left)
        {
            if (!right.TryGetValue(name, out (string Type, byte[] Data) other) || !Same(type, data, other.Data))
            {
                return $"the binary part of '{name}' differs";
            }
        }

        return null;
    }

    private static Dictionary<string, (string Type, byte[] Data)> Split(JsonElement head, ReadOnlySpan<byte> tail)
    {
        var parts = new Dictionary<string, (string, byte[])>(StringComparer.Ordinal);
        int at = 0;
        if (head.ValueKind != JsonValueKind.Object || !head.TryGetProperty("outputs", out JsonElement outputs))
        {
            return parts;
        }

        foreach (JsonElement output in outputs.EnumerateArray())
        {
            if (
                output.TryGetProperty("parameters", out JsonElement parameters)
                && parameters.TryGetProperty("binary_data_size", out JsonElement size)
            )
            {
                int length = Math.Min(size.GetInt32(), tail.Length - at);
                parts[output.GetProperty("name").GetString()!] = (
                    output.GetProperty("datatype").GetString()!,
                    tail.Slice(at, length).ToArray()
                );
                at += length;
            }
        }

        return parts;
    }

    private static bool Same(string type, byte[] left, byte[] right)
    {
        if (type != "FP32" || left.Length != right.Length)
        {
            return left.AsSpan().SequenceEqual(right);
        }

        for (int at = 0; at < left.Length; at += sizeof(float))
        {
            float one = BitConverter.ToSingle(left, at),
                other = BitConverter.ToSingle(right, at);
            bool isSame =
                one == other
                || (float.IsNaN(one) && float.IsNaN(other))
                || Math.Abs(one - other) <= (1e-4f * Math.Max(Math.Abs(one), Math.Abs(other))) + 1e-5f;
            if (!isSame)
            {
                return false;
            }
        }

        return true;
    }
}
