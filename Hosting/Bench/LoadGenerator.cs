using System.Diagnostics;
using System.Net.Sockets;

namespace Troupe.Hosting.Bench;

/// <summary>Sends a prepared request again and again and reads every answer whole; ends when its time is up, whatever the server
/// does.</summary>
/// <remarks><b>Thread</b> one task per client in the pool.</remarks>
internal static class LoadGenerator
{
    /// <exception cref="SocketException">Nobody listens at the target.</exception>
    public static async Task<LoadResult> RunAsync(string rung, LoadSpec spec, CancellationToken stop)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        end.CancelAfter(spec.Duration);
        LoadClient[] clients = [.. Enumerable.Range(0, spec.Clients).Select(_ => new LoadClient(spec))];
        try
        {
            await ConnectAsync(clients, spec, end.Token, stop);
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(clients.Select(client => Task.Run(() => client.RunAsync(end.Token), CancellationToken.None)));
            return LoadResult.Of(
                rung,
                [.. clients.SelectMany(client => client.Micros)],
                Stopwatch.GetElapsedTime(started),
                spec.Clients,
                clients.Sum(client => client.Failed),
                clients.Select(client => client.FirstError).FirstOrDefault(error => error is not null)
            );
        }
        finally
        {
            foreach (LoadClient client in clients)
            {
                client.Dispose();
            }
        }
    }

    private static async Task ConnectAsync(LoadClient[] clients, LoadSpec spec, CancellationToken end, CancellationToken stop)
    {
        try
        {
            await Task.WhenAll(clients.Select(client => client.ConnectAsync(end)));
        }
        catch (OperationCanceledException late) when (!stop.IsCancellationRequested)
        {
            throw new IOException($"no connection within {spec.Duration.TotalSeconds:0.###} s", late);
        }
    }
}
