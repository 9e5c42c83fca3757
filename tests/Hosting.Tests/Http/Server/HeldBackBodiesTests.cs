using System.Diagnostics;
using System.Globalization;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>Many large bodies in flight, measured by hand: the small form, with counts, is in
/// <see cref="RequestMemoryTests"/>.</summary>
public sealed class HeldBackBodiesTests(ITestOutputHelper output)
{
    private const int Clients = 400;
    private const int Body = 60 << 20;
    private const long Budget = 1L << 30;

    /// <remarks>The clients are in this process too: what they send is one array.</remarks>
    [Fact]
    public async Task Four_hundred_who_hold_back_half_of_a_large_body_leave_memory_within_the_budget_and_the_node_alive()
    {
        Assert.SkipUnless(
            Environment.GetEnvironmentVariable("TROUPE_MEASURE_TIME") == "1",
            "Times are measured by hand on a machine that does nothing else: TROUPE_MEASURE_TIME=1."
        );
        FakeNode node = new(FakeNode.AddModel());
        await using EdgeFixture edge = await EdgeFixture.StartAsync(node, maxRequestBytes: 64 << 20, maxRequestMemory: Budget);
        byte[] half = new byte[Body / 2];
        Array.Fill(half, (byte)' ');
        await edge.GetAsync("/v2/health/live");
        long before = Environment.WorkingSet;
        List<RawClient> clients = [];
        for (int i = 0; i < Clients; i++)
        {
            clients.Add(await RawClient.ConnectAsync(edge.Url));
        }

        Task sending = Task.WhenAll(clients.Select(client => HoldBackAsync(client, half)));
        long resident = 0;
        List<double> alive = [];
        do
        {
            long start = Stopwatch.GetTimestamp();
            Assert.Equal(200, (await edge.GetAsync("/v2/health/live")).Status);
            alive.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            resident = Math.Max(resident, Environment.WorkingSet - before);
            Assert.InRange(edge.Edge.Memory.Budget.Used, 0, Budget);
        } while (await Task.WhenAny(sending, Task.Delay(50, TestContext.Current.CancellationToken)) != sending);

        alive.Sort();
        long used = edge.Edge.Memory.Budget.Used;
        clients.ForEach(client => client.Dispose());
        while (edge.Edge.Memory.Host.Snapshot().ReservedBytes > 0)
        {
            await edge.GetAsync("/v2/health/live");
        }

        output.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"resident {resident >> 20} MiB more at most, {used >> 20} MiB of bodies held, {edge.Edge.Memory.Budget.Refusals} refused; health/live p50 {alive[alive.Count / 2]:0.0} ms, p99 {alive[alive.Count * 99 / 100]:0.0} ms, worst {alive[^1]:0.0} ms of {alive.Count}; {Environment.WorkingSet - before >> 20} MiB more when all have gone"
            )
        );
        Assert.InRange(resident, 0, Budget);
        Assert.InRange(alive[^1], 0, 100);
    }

    private static async Task HoldBackAsync(RawClient client, byte[] half)
    {
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v2/models/add/infer HTTP/1.1\r\nHost: t\r\nContent-Length: {Body}\r\n\r\n"
        );
        for (int sent = 0; await client.SendAsync(sent == 0 ? System.Text.Encoding.ASCII.GetBytes(head) : half.AsMemory(sent, 1 << 16)); )
        {
            sent += 1 << 16;
            if (sent + (1 << 16) > half.Length)
            {
                return;
            }
        }
    }
}
