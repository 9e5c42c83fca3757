using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Demo;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Http.V2;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Recorded exchanges with a real Triton, sent over loopback to a real node that serves the same classifier.
/// What does not fit a model is refused by <see cref="RequestValidation"/> in Triton's words.</summary>
public sealed class GoldenReplayTests
{
    [Fact]
    public async Task Every_recorded_exchange_with_the_classifier_is_answered_as_recorded()
    {
        ServeSpec spec = new()
        {
            Cluster = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, 2),
            Models = [SampleFiles.Models],
            Load = ["fmnist"],
        };
        await using NodeHost node = await NodeHost.StartAsync(spec, NullLoggerFactory.Instance, TestContext.Current.CancellationToken);
        await node.LoadModelsAsync(TestContext.Current.CancellationToken);
        NodeEdge edge = new(
            node.Node,
            new ModelLedgers(TimeProvider.System),
            new EdgeSpec(node.Repository, spec.MaxRequestBytes, TroupeVersion.Text),
            node.Memory
        );
        await using KestrelListener listener = await KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
            new Dispatcher(edge).InvokeAsync,
            NullLoggerFactory.Instance,
            TestContext.Current.CancellationToken
        );
        using HttpClient http = new() { BaseAddress = new Uri($"http://{listener.Address}") };

        GoldenCase[] cases = [.. GoldenCase.Load("fmnist")];
        List<string> differences = [];
        foreach (GoldenCase golden in cases)
        {
            if (await DifferenceAsync(http, golden) is { } difference)
            {
                differences.Add($"{golden}: {difference}");
            }
        }

        Assert.NotEmpty(cases);
        Assert.Empty(differences);
        long answered = cases.Count(golden => golden.Status == 200);
        Assert.Equal(answered, edge.Ledgers.Of(edge.Catalogue.All.Single().Snapshot.Model).Read().Success.Count);
    }

    /// <summary>What differs from the record: the lenient bar, on which an error's text and label are free.</summary>
    private static async Task<string?> DifferenceAsync(HttpClient http, GoldenCase golden)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, golden.Path) { Content = new ByteArrayContent(golden.Body) };
        if (golden.HeaderLength is { } written)
        {
            request.Headers.TryAddWithoutValidation(HeaderLength.Name, written);
        }

        using HttpResponseMessage response = await http.SendAsync(request, TestContext.Current.CancellationToken);
        byte[] body = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        if ((int)response.StatusCode != golden.Status)
        {
            return $"status {(int)response.StatusCode} instead of {golden.Status}";
        }

        int head = response.Headers.TryGetValues(HeaderLength.Name, out IEnumerable<string>? length)
            ? int.Parse(length.First(), System.Globalization.CultureInfo.InvariantCulture)
            : body.Length;
        JsonElement json = GoldenCase.Parse(body.AsSpan(0, head));
        if (golden.Status != 200)
        {
            return json.GetProperty("error").GetString() is { Length: > 0 } ? null : "no error text";
        }

        return !GoldenCase.Same(golden.Json!.Value, json) ? $"JSON {json}"
            : !AreClose(golden.Tail, body.AsSpan(head)) ? "the binary part differs"
            : null;
    }

    private static bool AreClose(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual)
    {
        if (expected.Length != actual.Length)
        {
            return false;
        }

        for (int at = 0; at < expected.Length; at += sizeof(float))
        {
            float left = BitConverter.ToSingle(expected[at..]),
                right = BitConverter.ToSingle(actual[at..]);
            if (!(Math.Abs(left - right) <= (1e-4f * Math.Abs(left)) + 1e-5f))
            {
                return false;
            }
        }

        return true;
    }
}
