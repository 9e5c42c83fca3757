using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;

namespace Troupe.Cluster.Tests;

/// <summary>A node that strangers send whatever they like.</summary>
public sealed class HostileRequestsTests
{
    /// <summary><c>TROUPE_HOSTILE_REQUESTS</c> asks for more.</summary>
    private static readonly int Count = int.TryParse(
        Environment.GetEnvironmentVariable("TROUPE_HOSTILE_REQUESTS"),
        CultureInfo.InvariantCulture,
        out int count
    )
        ? count
        : 3000;

    [Fact]
    public async Task After_each_hostile_request_a_good_one_is_answered_and_nothing_is_left_behind()
    {
        string profile = Path.GetTempFileName();
        int port = ServingNode.FreePort();
        await using ServingNode node = new(profile, port, [$"127.0.0.1:{port}"], models: true);
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        try
        {
            node.Start();
            await node.IsReady();
            string right = await Right(node);

            // What grows once for every process (threads, pools, compiled code) has grown before it is measured.
            await Storm(node, right, 0, 5000, cancellation);
            (int handles, long resident) = Held(node);
            string devices = await Devices(node);
            await Storm(node, right, 1_000_000, Count, cancellation);

            (int handlesAfter, long residentAfter) = Held(node);
            Assert.True(handlesAfter <= handles + 16, $"{handles} handles became {handlesAfter}.");
            Assert.True(residentAfter <= resident * 1.1 + (16 << 20), $"{resident >> 20} MiB became {residentAfter >> 20} MiB.");
            Assert.Equal(devices, await Devices(node));
        }
        finally
        {
            File.Delete(profile);
        }
    }

    private static async Task Storm(ServingNode node, string right, int from, int count, CancellationToken cancellation)
    {
        for (int seed = from; seed < from + count; seed++)
        {
            (int status, string text) = await HostileRequest.Send(node.Http.BaseAddress!, HostileRequest.Of(seed), cancellation);
            Assert.True(status != 500, $"seed {seed}: {text}\n{node.Log()}");
            Assert.False(
                text.Contains("System.", StringComparison.Ordinal) || text.Contains("Exception", StringComparison.Ordinal),
                $"seed {seed} shows a type of the program: {text}"
            );
            Assert.Equal(right, await Right(node));
            Assert.False(
                node.Log().Contains("Exception", StringComparison.Ordinal),
                $"seed {seed} is logged as a defect: {Shown(seed)}\n{node.Log()}"
            );
        }
    }

    private static string Shown(int seed) =>
        Encoding.Latin1.GetString(HostileRequest.Of(seed).AsSpan()[..Math.Min(600, HostileRequest.Of(seed).Length)]);

    /// <summary>The outputs of the good request.</summary>
    private static async Task<string> Right(ServingNode node)
    {
        BoundedLoad.Answer answer = await BoundedLoad.Ask(node);
        Assert.True(answer.Status == HttpStatusCode.OK, $"{answer}\n{node.Log()}");
        using JsonDocument document = JsonDocument.Parse(answer.Text);
        return document.RootElement.GetProperty("outputs").GetRawText();
    }

    /// <summary>What is said of the devices, but for what counts up.</summary>
    private static async Task<string> Devices(ServingNode node)
    {
        using JsonDocument document = JsonDocument.Parse(
            await node.Http.GetStringAsync("/v2/troupe/devices", TestContext.Current.CancellationToken)
        );
        return string.Join(
            ' ',
            document
                .RootElement.GetProperty("devices")
                .EnumerateArray()
                .Select(device => $"{device.GetProperty("id").GetRawText()} {device.GetProperty("health").GetRawText()}")
        );
    }

    private static (int Handles, long Resident) Held(ServingNode node)
    {
        string process = $"/proc/{node.ProcessId}";
        string resident = File.ReadLines($"{process}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return (
            Directory.EnumerateFileSystemEntries($"{process}/fd").Count(),
            long.Parse(resident.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2].Trim(), CultureInfo.InvariantCulture) << 10
        );
    }
}
