using System.Collections;
using System.Globalization;
using System.Text;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>A request costs what it is long: names are held against the model as they are met, and no more is kept of it than the model
/// has.</summary>
public sealed class HostileRequestTests(ITestOutputHelper output)
{
    private const string Input = """{"name":"A","datatype":"FP32","shape":[1],"data":[1]}""";

    /// <summary>Bodies of about <c>n</c> bytes that are as bad as one can make them, each for its endpoint.</summary>
    public static TheoryData<string> Worst =>
        ["outputs", "one output", "long outputs", "inputs", "one input", "empty inputs", "parameters", "members", "data", "nul"];

    [Theory]
    [InlineData("outputs", "unexpected inference output 'o0' for model 'm'")]
    [InlineData("inputs", "unexpected inference input 'i0' for model 'm'")]
    [InlineData("one input", "input 'A' already exists in request")]
    [InlineData("empty inputs", "attempt to access non-existing object member 'name'")]
    public void The_first_that_the_model_has_not_is_refused_however_many_follow(string kind, string error)
    {
        Assert.Contains(error, Refusal(Body(kind, 1 << 16), Model()), StringComparison.Ordinal);
        Assert.StartsWith("[request id: 7] ", Refusal("""{"outputs":[{"name":"x"}],"id":"7","inputs":[""" + Input + "]}", Model()));
    }

    [Theory, MemberData(nameof(Worst))]
    public void Twice_the_bytes_look_at_twice_the_names_and_no_more(string kind)
    {
        (long Names, long Bytes) one = Cost(kind, 1 << 18),
            two = Cost(kind, 1 << 19),
            four = Cost(kind, 1 << 20);
        output.WriteLine($"{kind}: {one}, {two}, {four}");

        Assert.InRange(two.Names, 0, (5 * one.Names / 2) + 100);
        Assert.InRange(four.Names, 0, (5 * one.Names) + 100);
        Assert.InRange(two.Bytes, 0, (5 * one.Bytes / 2) + 100_000);
        Assert.InRange(four.Bytes, 0, (5 * one.Bytes) + 100_000);
    }

    [Theory]
    [InlineData("outputs")]
    [InlineData("one output")]
    [InlineData("inputs")]
    [InlineData("one input")]
    public void No_more_is_kept_than_the_model_has_and_one_to_be_refused(string kind)
    {
        InferContract model = Model();
        using RequestScan scan = RequestScan.Rent();
        RequestMembers.Scan(new JsonCursor(Encoding.UTF8.GetBytes(Body(kind, 1 << 16))), scan, model);

        Assert.InRange(scan.Inputs.Length, 0, model.Inputs.Count + 1);
        Assert.InRange(scan.Outputs.Count, 0, model.Outputs.Count + 1);
    }

    [Fact]
    public void Where_text_ends_is_found_once()
    {
        byte[] text = "[[1],[2]]\0]"u8.ToArray();
        JsonCursor cursor = new(text);
        text[^2] = (byte)' ';

        // What was text at first still is, and no more: the end is not looked for again.
        JsonCursor second = cursor.At(0);
        second.SkipValue();
        second.ExpectEnd();
        second = cursor.At(5);
        second.SkipValue();
        Assert.Equal(8, second.Position);
    }

    [Theory]
    [InlineData("outputs")]
    [InlineData("inputs")]
    [InlineData("parameters")]
    [InlineData("members")]
    [InlineData("data")]
    public void Nothing_is_read_for_a_caller_who_has_gone(string kind)
    {
        using CancellationTokenSource gone = new();
        gone.Cancel();

        Assert.Throws<OperationCanceledException>(() =>
            TestMemory.TryRead(Encoding.UTF8.GetBytes(Body(kind, 1 << 20)), null, Model(), out _, out _, gone.Token)
        );
    }

    [Fact]
    public void Numbers_up_to_the_largest_of_64_bits_are_numbers()
    {
        string largest = ulong.MaxValue.ToString(CultureInfo.InvariantCulture);
        string body =
            $$$"""{"inputs":[{{{Input}}}],"parameters":{"timeout":{{{largest}}},"priority":{{{largest}}},"sequence_id":{{{largest}}}},"outputs":[{"name":"Y0","parameters":{"classification":{{{largest}}}}}]}""";
        InferContract model = new()
        {
            Model = "m",
            Version = 1,
            MaxBatchSize = 0,
            Inputs = [new TensorSpec("A", ElementType.Fp32, new TensorShape(-1))],
            Outputs = [new TensorSpec("Y0", ElementType.Fp32, new TensorShape(-1))],
        };

        Assert.True(
            TestMemory.TryRead(
                Encoding.UTF8.GetBytes(body),
                null,
                model,
                out InferRequest? request,
                out _,
                TestContext.Current.CancellationToken
            )
        );
        Assert.Equal((ulong.MaxValue, ulong.MaxValue), (request.TimeoutMicroseconds, request.Priority));
        Assert.Equal(largest, Assert.Single(request.Parameters).Written);
        Assert.Equal(ulong.MaxValue, request.Forms[0].Classes);
        Assert.Contains(
            $"the dimension {largest} is more than a request can carry",
            Refusal($$"""{"inputs":[{"name":"A","shape":[{{largest}}]}]}""", model),
            StringComparison.Ordinal
        );
        Assert.Contains(
            $"expecting {largest} additional bytes",
            Refusal(
                $$$"""{"inputs":[{"name":"A","datatype":"FP32","shape":[1],"parameters":{"binary_data_size":{{{largest}}}}}]}""",
                model
            ),
            StringComparison.Ordinal
        );
    }

    /// <summary>The same in time of the processor, for a machine that does nothing else.</summary>
    [Theory, MemberData(nameof(Worst))]
    public void Twice_the_bytes_take_twice_the_time(string kind)
    {
        SkipUnlessQuiet();
        double one = Time(kind, 1 << 20),
            two = Time(kind, 1 << 21),
            four = Time(kind, 1 << 22);
        output.WriteLine(FormattableString.Invariant($"{kind}: {one:0.0} ms, 1 : {two / one:0.00} : {four / one:0.00}"));
        Assert.InRange(two / one, 0, 2.5);
        Assert.InRange(four / one, 0, 5);
    }

    /// <summary>The same of the endpoints that read documents.</summary>
    [Theory]
    [InlineData("{\"parameters\":{", "}}")]
    [InlineData("{\"modes\":{", "}}")]
    [InlineData("{", "}")]
    public void Twice_the_members_take_twice_the_time(string open, string close)
    {
        SkipUnlessQuiet();

        double Of(int bytes)
        {
            byte[] body = Encoding.UTF8.GetBytes(open + Many(bytes, i => $"\"m{i}\":{i}") + close);
            return Best(() => JsonBody.Parse(body)!.Dispose());
        }

        double one = Of(1 << 20),
            two = Of(1 << 21),
            four = Of(1 << 22);
        output.WriteLine(FormattableString.Invariant($"{open}: {one:0.0} ms, 1 : {two / one:0.00} : {four / one:0.00}"));
        Assert.InRange(two / one, 0, 2.5);
        Assert.InRange(four / one, 0, 5);
    }

    private static void SkipUnlessQuiet() =>
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("TROUPE_MEASURE_TIME") == "1",
            "Times are measured by hand on a machine that does nothing else: TROUPE_MEASURE_TIME=1."
        );

    private static double Time(string kind, int bytes)
    {
        byte[] body = Encoding.UTF8.GetBytes(Body(kind, bytes));
        return Best(() => TestMemory.TryRead(body, null, Model(), out _, out _));
    }

    /// <summary>The least of five in milliseconds of the processor, after one that does not count.</summary>
    private static double Best(Action read)
    {
        double best = double.MaxValue;
        for (int i = 0; i < 6; i++)
        {
            TimeSpan started = Environment.CpuUsage.TotalTime;
            read();
            best = i == 0 ? best : Math.Min(best, (Environment.CpuUsage.TotalTime - started).TotalMilliseconds);
        }

        return best;
    }

    private static (long Names, long Bytes) Cost(string kind, int bytes)
    {
        byte[] body = Encoding.UTF8.GetBytes(Body(kind, bytes));
        CountingList inputs = new(1, "A"),
            outputs = new(3, "Y");
        InferContract model = Model(inputs, outputs);
        long before = GC.GetAllocatedBytesForCurrentThread();
        TestMemory.TryRead(body, null, model, out _, out _);
        return (inputs.Looked + outputs.Looked, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Refusal(string body, InferContract model)
    {
        Assert.False(TestMemory.TryRead(Encoding.UTF8.GetBytes(body), null, model, out _, out InferFault? fault));
        return fault.Error;
    }

    private static InferContract Model() => Model(new CountingList(1, "A"), new CountingList(3, "Y"));

    private static InferContract Model(CountingList inputs, CountingList outputs) =>
        new()
        {
            Model = "m",
            Version = 1,
            MaxBatchSize = 0,
            Inputs = inputs,
            Outputs = outputs,
        };

    private static string Body(string kind, int bytes) =>
        kind switch
        {
            "outputs" => $$"""{"inputs":[{{Input}}],"outputs":[{{Many(bytes, i => $$"""{"name":"o{{i}}"}""")}}]}""",
            "one output" => $$"""{"inputs":[{{Input}}],"outputs":[{{Many(bytes, i => $$"""{"name":"Y{{i % 3}}"}""")}}]}""",
            "long outputs" =>
                $$"""{"inputs":[{{Input}}],"outputs":[{{Many(bytes, i => $$"""{"name":"{{new string('é', 40)}}{{i}}"}""")}}]}""",
            "inputs" => $$"""{"inputs":[{{Many(bytes, i => Input.Replace("\"A\"", $"\"i{i}\"", StringComparison.Ordinal))}}]}""",
            "one input" => $$"""{"inputs":[{{Many(bytes, _ => Input)}}]}""",
            "empty inputs" => $$"""{"inputs":[{{Many(bytes, _ => "{}")}}]}""",
            "parameters" => $$$"""{"inputs":[{{{Input}}}],"parameters":{{{{Many(bytes, i => $"\"p{i}\":{i}")}}}}}""",
            "members" => $$"""{"inputs":[{{Input}}],{{Many(bytes, i => $"\"m{i}\":[{{}},[]]")}}}""",
            "data" => $$"""{"inputs":[{"name":"A","datatype":"FP32","shape":[{{bytes / 2}}],"data":[{{Many(bytes, _ => "1")}}]}]}""",
            _ => $$"""{"inputs":[{{Input}}],"x":"{{new string(' ', bytes)}}"}""" + "\0",
        };

    private static string Many(int bytes, Func<int, string> one)
    {
        StringBuilder text = new(bytes + 100);
        for (int i = 0; text.Length < bytes; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(one(i));
        }

        return text.ToString();
    }

    /// <summary>Counts every look at one of the model's names.</summary>
    private sealed class CountingList(int count, string name) : IReadOnlyList<TensorSpec>
    {
        private readonly TensorSpec[] _specs =
        [
            .. Enumerable
                .Range(0, count)
                .Select(i => new TensorSpec(count == 1 ? name : $"{name}{i}", ElementType.Fp32, new TensorShape(-1))),
        ];

        public long Looked { get; private set; }

        public int Count => _specs.Length;

        public TensorSpec this[int index]
        {
            get
            {
                Looked++;
                return _specs[index];
            }
        }

        public IEnumerator<TensorSpec> GetEnumerator() => ((IEnumerable<TensorSpec>)_specs).GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
