using System.Diagnostics;
using System.Globalization;
using System.Text;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>What the codec allocates for one picture in and ten numbers out: it stands on the way of every request.</summary>
public sealed class InferCodecCostTests(ITestOutputHelper output)
{
    private static readonly InferContract Model = GoldenModels.Find("/v2/models/fmnist/infer")!;

    [Fact]
    public void A_binary_request_costs_its_objects_and_no_more()
    {
        byte[] json =
        [
            .. """{"inputs":[{"name":"image","shape":[1,1,28,28],"datatype":"FP32","parameters":{"binary_data_size":3136}}],"outputs":[{"name":"logits","parameters":{"binary_data":true}}]}"""u8,
        ];
        byte[] body = [.. json, .. new byte[3136]];
        Assert.InRange(Cost(body, json.Length.ToString(CultureInfo.InvariantCulture), "binary"), 1, 600);
    }

    [Fact]
    public void A_json_request_costs_its_objects_and_none_for_its_data()
    {
        string data = string.Join(',', Enumerable.Range(0, 784).Select(i => (i / 784.0).ToString("R", CultureInfo.InvariantCulture)));
        byte[] body = Encoding.UTF8.GetBytes(
            "{\"inputs\":[{\"name\":\"image\",\"shape\":[1,1,28,28],\"datatype\":\"FP32\",\"data\":[" + data + "]}]}"
        );
        Assert.InRange(Cost(body, null, "JSON"), 1, 600);
    }

    /// <summary>Bytes allocated by one request and its answer, once everything is compiled.</summary>
    private long Cost(byte[] body, string? headerLength, string form)
    {
        Tensor[] outputs = [new("logits", ElementType.Fp32, new TensorShape(1, 10), new byte[40])];
        using ResponseBody answer = new(TestMemory.Host);
        const int rounds = 2_000;
        Round(body, headerLength, outputs, answer, rounds);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long start = Stopwatch.GetTimestamp();
        Round(body, headerLength, outputs, answer, rounds);
        double microseconds = Stopwatch.GetElapsedTime(start).TotalMicroseconds / rounds;
        long cost = (GC.GetAllocatedBytesForCurrentThread() - before) / rounds;
        output.WriteLine($"{form}: {cost} bytes, {microseconds:F2} µs");
        return cost;
    }

    private static void Round(byte[] body, string? headerLength, Tensor[] outputs, ResponseBody answer, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            Assert.True(InferRequestReader.TryRead(body, headerLength, Model, TestMemory.Requests, out InferRequest? request, out _));
            Assert.True(InferResponseWriter.TryWrite(request, outputs, answer, out _, out _));
            request.Dispose();
        }
    }
}
