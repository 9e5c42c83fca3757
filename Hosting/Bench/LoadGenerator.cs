using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Troupe.Hosting.Bench;

/// <summary>Sends a prepared request again and again and reads every answer whole; ends by itself.</summary>
/// <remarks><b>Thread</b> one task per client in the pool. Bare sockets, so that the generator costs little of what it measures.</remarks>
internal static class LoadGenerator
{
    /// <exception cref="SocketException">Nobody listens at the target.</exception>
    public static async Task<LoadResult> RunAsync(string rung, LoadSpec spec, CancellationToken stop, CancellationToken abort = default)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Socket[] sockets = await Task.WhenAll(Enumerable.Range(0, spec.Clients).Select(_ => ConnectAsync(spec, stop)));
        try
        {
            long started = Stopwatch.GetTimestamp();
            end.CancelAfter(spec.Duration);
            (List<double> Micros, long Failed)[] clients = await Task.WhenAll(
                sockets.Select(socket => Task.Run(() => RunClientAsync(socket, spec, end.Token, abort), CancellationToken.None))
            );
            TimeSpan elapsed = Stopwatch.GetElapsedTime(started);
            return LoadResult.Of(
                rung,
                spec.Clients,
                [.. clients.SelectMany(client => client.Micros)],
                clients.Sum(client => client.Failed),
                elapsed
            );
        }
        finally
        {
            foreach (Socket socket in sockets)
            {
                socket.Dispose();
            }
        }
    }

    private static async Task<Socket> ConnectAsync(LoadSpec spec, CancellationToken stop)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(spec.Target, stop);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<(List<double> Micros, long Failed)> RunClientAsync(
        Socket socket,
        LoadSpec spec,
        CancellationToken end,
        CancellationToken abort
    )
    {
        List<double> micros = new(1 << 14);
        long failed = 0;
        byte[] answer = new byte[1 << 16];
        while (!end.IsCancellationRequested && micros.Count < spec.MostCalls)
        {
            long sent = Stopwatch.GetTimestamp();
            await socket.SendAsync(spec.Request, abort);
            bool succeeded = await ReadAnswerAsync(socket, answer, abort);
            micros.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            failed += succeeded ? 0 : 1;
        }

        return (micros, failed);
    }

    /// <summary>Reads one answer to its end; whether it was a 200.</summary>
    private static async Task<bool> ReadAnswerAsync(Socket socket, byte[] buffer, CancellationToken abort)
    {
        int read = 0,
            head = -1;
        while (head < 0)
        {
            read += await ReceiveAsync(socket, buffer.AsMemory(read), abort);
            head = buffer.AsSpan(0, read).IndexOf("\r\n\r\n"u8);
        }

        int left = ContentLength(buffer.AsSpan(0, head)) - (read - head - 4);
        while (left > 0)
        {
            left -= await ReceiveAsync(socket, buffer.AsMemory(head + 4), abort);
        }

        return buffer.AsSpan().StartsWith("HTTP/1.1 200"u8);
    }

    private static async ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> target, CancellationToken abort)
    {
        int received = target.IsEmpty ? 0 : await socket.ReceiveAsync(target, abort);
        return received > 0 ? received : throw new IOException("the node closed a connection in the middle of an answer");
    }

    private static int ContentLength(ReadOnlySpan<byte> head)
    {
        foreach (string line in Encoding.ASCII.GetString(head).Split("\r\n"))
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) && int.TryParse(line.AsSpan(15), out int length))
            {
                return length;
            }
        }

        throw new IOException("the node answered without a length");
    }
}
