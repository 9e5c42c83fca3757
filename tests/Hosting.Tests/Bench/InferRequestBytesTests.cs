using System.Text;
using System.Text.Json;
using Troupe.Hosting.Bench;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Bench;

public sealed class InferRequestBytesTests
{
    private static readonly Tensor[] Two =
    [
        new("a \"quoted\" name", ElementType.Fp32, new TensorShape(2), new byte[8]),
        new("b", ElementType.Bytes, new TensorShape(1), new byte[] { 1, 0, 0, 0, 65 }),
    ];

    [Fact]
    public void The_json_announces_each_tensor_and_the_bytes_follow_in_order()
    {
        byte[] body = InferRequestBytes.Body(Two, binaryOutput: true, out int header);
        JsonElement request = JsonDocument.Parse(body.AsMemory(0, header)).RootElement;
        JsonElement[] inputs = [.. request.GetProperty("inputs").EnumerateArray()];
        Assert.Equal(["a \"quoted\" name", "b"], inputs.Select(input => input.GetProperty("name").GetString()!));
        Assert.Equal([8, 5], inputs.Select(input => input.GetProperty("parameters").GetProperty("binary_data_size").GetInt32()));
        Assert.True(request.GetProperty("parameters").GetProperty("binary_data_output").GetBoolean());
        Assert.Equal([.. new byte[8], 1, 0, 0, 0, 65], body[header..]);
    }

    [Fact]
    public void The_whole_request_says_how_long_it_is()
    {
        string request = Encoding.Latin1.GetString(InferRequestBytes.Of("m", Two));
        string head = request[..request.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
        Assert.StartsWith("POST /v2/models/m/infer HTTP/1.1\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"Content-Length: {request.Length - head.Length - 4}", head, StringComparison.Ordinal);
    }
}
