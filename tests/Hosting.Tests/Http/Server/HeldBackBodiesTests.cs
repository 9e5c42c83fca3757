using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>Many large bodies in flight at a node of its own process, measured by hand: the small form, with counts, is in
/// <see cref="RequestMemoryTests"/>.</summary>
public sealed class HeldBackBodiesTests(ITestOutputHelper output) : IDisposable
{
    private const int Clients = 400;
    private const int Body = 60 << 20;
    private const int Budget = 1024;

    /// <summary>Beside the budget, in mebibytes: what lies idle for the next body, and the server's buffers of so many
    /// connections.</summary>
    private const int Allowance = 256;

    private Process? _node;

    public void Dispose()
    {
        if (_node is { HasExited: false })
        {
            _node.Kill();
        }

        _node?.Dispose();
    }

    [Fact]
    public async Task Four_hundred_who_hold_back_half_of_a_large_body_leave_memory_within_the_budget_and_the_node_alive()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("TROUPE_MEASURE_TIME") == "1",
            "Times are measured by hand on a machine that does nothing else: TROUPE_MEASURE_TIME=1."
        );
        Uri url = await StartAsync();
        using Socket live = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        live.Connect(url.Host, url.Port);
        Live(live);
        long before = Resident();
        TimeSpan used = _node!.TotalProcessorTime,
            system = _node.PrivilegedProcessorTime;
        List<RawClient> clients = [];
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await RawClient.ConnectAsync(url));
        }

        byte[] half = new byte[Body / 2];
        Array.Fill(half, (byte)' ');
        long start = Stopwatch.GetTimestamp(),
            resident = 0;
        Task<bool>[] sending = [.. clients.Select(client => Task.Run(() => HoldBackAsync(client, half)))];
        List<double> alive = [];

        // On a thread of its own: the senders keep the pool of this process at work.
        var asking = new Thread(() =>
        {
            using var pace = new ManualResetEventSlim();
            while (!Array.TrueForAll(sending, sent => sent.IsCompleted) || Stopwatch.GetElapsedTime(start).TotalSeconds < 8)
            {
                pace.Wait(20);
                alive.Add(Live(live));
                resident = Math.Max(resident, Resident() - before);
            }
        });
        asking.Start();
        asking.Join();
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        int held = (await Task.WhenAll(sending)).Count(sent => sent);
        clients.ForEach(client => client.Dispose());
        alive.Sort();
        _node.Refresh();
        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{seconds:0.0} s, {(_node.TotalProcessorTime - used).TotalSeconds:0.0} s of the node's processors, {(_node.PrivilegedProcessorTime - system).TotalSeconds:0.0} s of them the system's; {held} of {Clients} sent their half; resident {resident} MiB more at most; health/live p50 {alive[alive.Count / 2]:0.0} ms, p99 {alive[alive.Count * 99 / 100]:0.0} ms, worst {alive[^1]:0.0} ms of {alive.Count}"
            )
        );
        Assert.InRange(resident, 0, Budget + Allowance);
        Assert.InRange(alive[^1], 0, 100);
    }

    private static double Live(Socket node)
    {
        byte[] answer = new byte[4096];
        long start = Stopwatch.GetTimestamp();
        node.Send("GET /v2/health/live HTTP/1.1\r\nHost: t\r\n\r\n"u8);
        int length = node.Receive(answer);
        Assert.StartsWith("HTTP/1.1 200 ", Encoding.ASCII.GetString(answer, 0, length), StringComparison.Ordinal);
        return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    }

    /// <summary>False when the node has closed the connection before.</summary>
    private static async Task<bool> HoldBackAsync(RawClient client, byte[] half)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v2/models/minus1/infer HTTP/1.1\r\nHost: t\r\nContent-Length: {Body}\r\n\r\n"
        );
        bool isOpen = await client.SendAsync(head);
        for (int sent = 0; isOpen && sent + (1 << 16) <= half.Length; sent += 1 << 16)
        {
            isOpen = await client.SendAsync(half.AsMemory(sent, 1 << 16));
        }

        return isOpen;
    }

    /// <summary>What the node's process has in memory, in mebibytes.</summary>
    private long Resident()
    {
        string line = File.ReadLines($"/proc/{_node!.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6).Trim()[..^3].Trim(), CultureInfo.InvariantCulture) / 1024;
    }

    private async Task<Uri> StartAsync()
    {
        string[] arguments =
        [
            .. "serve --load minus1 --http 127.0.0.1:0 --metrics off --cluster off --devices emulated:1".Split(' '),
            .. $"--models {CaseModels.Repository} --max-request 64MiB --max-request-memory {Budget}MiB".Split(' '),
        ];
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "troupe"), arguments)
        {
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
            WorkingDirectory = Path.GetTempPath(),
        };
        _node = Process.Start(start.WithoutSettings())!;
        string? line = "";
        while (line is not null && !line.Contains(" is up: ", StringComparison.Ordinal))
        {
            line = await _node.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        }

        Assert.NotNull(line);
        _ = _node.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        return new Uri(line.Split("http ")[1].Split(' ')[0]);
    }
}
