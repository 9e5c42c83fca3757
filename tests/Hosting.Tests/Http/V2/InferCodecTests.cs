using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>The codec against what a real Triton answered: every recorded inference request, without a server between.</summary>
public sealed class InferCodecTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private static readonly InferContract Identity = GoldenModels.Find("/v2/models/identity_fp32/infer")!;

    public static TheoryData<string> Topics =>
        ["infer_json", "infer_binary", "infer_errors", "bytes", "datatypes", "fmnist", "classification", "parameters"];

    [Theory, MemberData(nameof(Topics))]
    public void Each_recorded_request_is_answered_or_refused_as_triton_did(string topic)
    {
        int compared = 0;
        List<string> wrong = [];
        foreach (GoldenCase golden in GoldenCase.Load(topic))
        {
            if (GoldenModels.Find(golden.Path) is { } model && golden.Status != 404)
            {
                compared++;
                if (Difference(golden, model) is { } difference)
                {
                    wrong.Add($"{golden}: {difference}");
                }
            }
        }

        Assert.True(compared >= 5, $"only {compared} cases of {topic} were compared");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public void Binary_tensors_are_parts_of_the_body_and_keep_its_block()
    {
        byte[] body =
        [
            .. "{\"inputs\":[{\"name\":\"INPUT0\",\"shape\":[1,2],\"datatype\":\"FP32\",\"parameters\":{\"binary_data_size\":8}}]}"u8,
            0,
            0,
            128,
            63,
            0,
            0,
            0,
            64,
        ];

        using HostMemory memory = new();
        RequestMemory room = new(memory, 1 << 20);
        TensorLease lease = room.Lease(body.Length);
        body.CopyTo(lease.GetSpan());
        string header = (body.Length - 8).ToString(CultureInfo.InvariantCulture);
        Assert.True(InferRequestReader.TryRead(lease.Memory, header, Identity, room, out InferRequest? request, out _, Cancellation));
        lease.GetSpan()[^1] = 65;

        lease.Release();

        Assert.Equal(body[^8..^1].Append((byte)65), request.Inputs[0].Data.ToArray());
        Assert.Equal((8, 2), (request.Inputs[0].Payload.Length, request.Inputs[0].Payload.Elements));
        Assert.Equal(4096, room.Budget.Used);
        request.Dispose();
        Assert.Equal((0, 0), (room.Budget.Used, memory.Snapshot().Leases));
    }

    [Theory]
    [InlineData("""{"inputs":[],"parameters":{"triton_x":1}}""", "reserved")]
    [InlineData("""{"inputs":[],"parameters":{"a":null}}""", "invalid type")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[4611686018427387904,4],"datatype":"FP32","data":[1]}]}""", "more elements")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1,1,1,1,1,1,1,1],"datatype":"FP32","data":[1]}]}""", "at most 8")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]} x""", "root")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1,]}]}""", "comma")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1e999]}]}""", "too big")]
    [InlineData(
        """{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","parameters":{"shared_memory_region":"r"}}]}""",
        "shared memory"
    )]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":1}]}""", "non-array")]
    [InlineData("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":null}]}""", "non-array")]
    [InlineData("""{"inputs":[],"parameters":{"timeout":-1}}""", "'timeout'")]
    [InlineData("""{"inputs":[],"parameters":{"priority":1.0}}""", "'priority'")]
    [InlineData("""{"inputs":[],"parameters":{"sequence_id":-1}}""", "'sequence_id'")]
    [InlineData("""{"inputs":[],"parameters":{"sequence_start":1}}""", "'sequence_start'")]
    [InlineData("""{"inputs":[],"id":null}""", "'id'")]
    public void A_bad_request_gets_one_clear_error(string json, string expected)
    {
        InferFault error = Bad(json);

        Assert.Equal(400, InferFault.Status);
        Assert.Contains(expected, error.Error, StringComparison.Ordinal);
        Assert.Equal(2, Good("""{"inputs":[{"name":"INPUT0","shape":[1,2],"datatype":"FP32","data":[1,2]}]}""").Inputs[0].Shape[1]);
    }

    [Fact]
    public void An_id_that_is_no_utf8_is_echoed_byte_by_byte()
    {
        byte[] body =
        [
            .. "{\"id\":\"a"u8,
            0xff,
            0xfe,
            .. "b\",\"inputs\":[{\"name\":\"INPUT0\",\"shape\":[1,1],\"datatype\":\"FP32\",\"data\":[1]}]}"u8,
        ];
        Assert.True(TestMemory.TryRead(body, null, Identity, out InferRequest? request, out _, Cancellation));

        using ResponseBody answer = new(TestMemory.Host);
        Assert.True(
            InferResponseWriter.TryWrite(
                request,
                [new Tensor("OUTPUT0", ElementType.Fp32, new TensorShape(1, 1), new byte[4])],
                answer,
                out _,
                out _
            )
        );

        Assert.True(answer.Written.Span.StartsWith((byte[])[.. "{\"id\":\"a"u8, 0xff, 0xfe, .. "b\","u8]));
    }

    [Theory]
    [InlineData("", 30_000, true)]
    [InlineData("", 10_000, false)]
    [InlineData(""","outputs":[{"name":"OUTPUT0","parameters":{"binary_data":true}}]""", 10_000, true)]
    [InlineData(""","outputs":[{"name":"OUTPUT0","parameters":{"binary_data":true}}]""", 4_000, false)]
    [InlineData(""","outputs":[{"name":"OUTPUT0","parameters":{"classification":1000000000}}]""", 10_000, false)]
    public void An_answer_larger_than_what_comes_back_is_a_fault_that_says_what_to_ask_for(string outputs, int limit, bool fits)
    {
        using ResponseBody answer = new(TestMemory.Host, limit);

        Assert.Equal(fits, InferResponseWriter.TryWrite(Asking(outputs), Thousand(), answer, out _, out InferFault? fault));

        Assert.Equal(
            fits
                ? null
                : $"the answer is larger than the {limit} bytes that come back; ask for fewer outputs, or with binary_data for those that are wanted as JSON",
            fault?.Error
        );
    }

    [Fact]
    public void Room_for_an_answer_grows_by_doubling_up_to_its_bound_and_no_further()
    {
        using ResponseBody answer = new(TestMemory.Host, 1000);
        using ResponseBody unbounded = new(TestMemory.Host);
        Assert.Equal((1000, (long)Array.MaxLength), (answer.Limit, unbounded.Limit));
        answer.Write(new byte[1000]);
        Assert.Throws<ProtocolException>(() => answer.Write(0));
        Assert.Throws<ProtocolException>(() => answer.GetSpan(int.MaxValue));
        Assert.Equal(1000, answer.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData(""","outputs":[{"name":"OUTPUT0","parameters":{"classification":5}}]""")]
    public void Nothing_is_written_for_a_caller_who_has_gone(string outputs)
    {
        using ResponseBody answer = new(TestMemory.Host, aborted: new CancellationToken(canceled: true));
        Assert.ThrowsAny<OperationCanceledException>(() => InferResponseWriter.TryWrite(Asking(outputs), Thousand(), answer, out _, out _));
    }

    [Fact]
    public void Own_parameters_come_through_in_their_order_and_type()
    {
        InferRequest request = Good(
            """{"parameters":{"a":"x","timeout":5,"b":1,"c":1.5,"priority":2,"d":true,"sequence_id":7},"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]}"""
        );

        Assert.Equal((5UL, 2UL), (request.TimeoutMicroseconds, request.Priority));
        Assert.Equal(
            [new("a", Text: "x"), new("b", Integer: 1), new("c", Number: 1.5), new("d", Flag: true), new("sequence_id", Integer: 7)],
            request.Parameters
        );
    }

    [Fact]
    public void A_request_leaves_nothing_behind_for_the_next_on_its_thread()
    {
        Bad(
            """{"id":"first","parameters":{"binary_data_output":true,"timeout":5,"a":1},"outputs":[{"name":"OUTPUT0"}],"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1,2]}]}"""
        );

        InferRequest next = Good("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]}""");

        Assert.Equal(("", false, 0UL), (next.Id, next.BinaryByDefault, next.TimeoutMicroseconds));
        Assert.Empty(next.Outputs);
        Assert.Empty(next.Parameters);
        Assert.Single(next.Inputs);
    }

    [Fact]
    public void Nesting_deeper_than_the_limit_is_refused_without_recursion_trouble()
    {
        InferFault error = Bad("{\"x\":" + new string('[', 100_000));

        Assert.Contains("nesting", error.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Random_damage_to_a_request_gives_a_protocol_error_or_an_answer()
    {
        byte[] good =
        [
            .. "\uFEFF{\"id\":\"a\\u00e9\",\"inputs\":[{\"name\":\"INPUT0\",\"shape\":[2,2],\"datatype\":\"FP32\",\"data\":[[1.5,NaN],[-Infinity,2e3]]}],\"outputs\":[{\"name\":\"OUTPUT0\",\"parameters\":{\"binary_data\":true}}]}"u8,
        ];
        Random random = new(20261123);
        for (int i = 0; i < 20_000; i++)
        {
            byte[] damaged = [.. good.AsSpan(0, random.Next(4) == 0 ? random.Next(good.Length) : good.Length)];
            for (int k = random.Next(4); k > 0 && damaged.Length > 0; k--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            if (!TestMemory.TryRead(damaged, null, Identity, out _, out InferFault? fault, Cancellation))
            {
                Assert.Equal(400, InferFault.Status);
            }
        }
    }

    private static InferRequest Asking(string outputs) =>
        Good("""{"inputs":[{"name":"INPUT0","shape":[1,1],"datatype":"FP32","data":[1]}]""" + outputs + "}");

    /// <summary>A thousand times 0.1: 4,000 bytes, as JSON about 20,000.</summary>
    private static Tensor[] Thousand()
    {
        float[] values = new float[1000];
        Array.Fill(values, 0.1f);
        return [new("OUTPUT0", ElementType.Fp32, new TensorShape(1, 1000), MemoryMarshal.AsBytes(values.AsSpan()).ToArray())];
    }

    private static InferRequest Good(string json) =>
        TestMemory.TryRead(Encoding.UTF8.GetBytes(json), null, Identity, out InferRequest? request, out InferFault? fault)
            ? request
            : throw new InvalidOperationException(fault.Error);

    private static InferFault Bad(string json) =>
        TestMemory.TryRead(Encoding.UTF8.GetBytes(json), null, Identity, out _, out InferFault? fault)
            ? throw new InvalidOperationException("It was accepted.")
            : fault;

    private static string? Difference(GoldenCase golden, InferContract model)
    {
        if (!TestMemory.TryRead(golden.Body, golden.HeaderLength, model, out InferRequest? request, out InferFault? fault))
        {
            return golden.Status is not (400 or 500) ? $"refused, Triton said {golden.Status}: {fault.Error}"
                : golden.ExactError && golden.Json?.GetProperty("error").GetString() != fault.Error
                    ? $"refused in other words: {fault.Error}"
                : null;
        }

        Tensor[]? outputs;
        try
        {
            outputs = GoldenModels.Run(model, request.Inputs);
        }
        catch (FormatException) when (golden.Status != 200)
        {
            return null; // The model itself fails on these strings.
        }

        if (outputs is null)
        {
            return golden.Status == 200 ? null : $"accepted, Triton said {golden.Status}";
        }

        using ResponseBody answer = new(TestMemory.Host);
        if (!InferResponseWriter.TryWrite(request, outputs, answer, out InferResponseHead head, out fault))
        {
            return golden.Status is 400 or 500 ? null : $"not answered, Triton said {golden.Status}: {fault.Error}";
        }

        int json = head.HeaderLength ?? answer.Count;
        return golden.Status != 200 ? $"answered, Triton said {golden.Status}"
            : !GoldenCase.Same(golden.Json!.Value, GoldenCase.Parse(answer.Written.Span[..json]))
                ? $"JSON differs: {Encoding.UTF8.GetString(answer.Written.Span[..json])}"
            : answer.Written.Span[json..].SequenceEqual(golden.Tail) ? null
            : "binary part differs";
    }
}
