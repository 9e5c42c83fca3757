using System.Net.Sockets;
using System.Text;

namespace Troupe.Hosting.Tests.Http;

/// <summary>A connection that sends bytes as they are, right or wrong.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket;

    private RawClient(Socket socket) => _socket = socket;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<RawClient> ConnectAsync(Uri url)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(url.Host, url.Port, Cancellation);
        return new RawClient(socket);
    }

    /// <summary>False when the other side has closed.</summary>
    public async Task<bool> SendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            while (!bytes.IsEmpty)
            {
                bytes = bytes[await _socket.SendAsync(bytes, Cancellation)..];
            }

            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public Task<bool> SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    /// <summary>Says that nothing more comes.</summary>
    public void End() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>All that comes until the other side closes.</summary>
    public async Task<string> ReadToEndAsync()
    {
        StringBuilder text = new();
        byte[] part = new byte[1 << 16];
        try
        {
            for (int read; (read = await _socket.ReceiveAsync(part, Cancellation)) > 0; )
            {
                text.Append(Encoding.Latin1.GetString(part, 0, read));
            }
        }
        catch (SocketException)
        {
            // Closed with a reset.
        }

        return text.ToString();
    }

    /// <summary>What comes first: the head of an answer at least.</summary>
    public async Task<string> ReadHeadAsync()
    {
        StringBuilder text = new();
        byte[] part = new byte[1];
        while (!text.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await _socket.ReceiveAsync(part, Cancellation) > 0)
        {
            text.Append((char)part[0]);
        }

        return text.ToString();
    }

    /// <summary>Exactly so many bytes, into memory that is there; false when fewer come.</summary>
    public async ValueTask<bool> ReadAsync(Memory<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            int read = await _socket.ReceiveAsync(bytes, Cancellation);
            if (read == 0)
            {
                return false;
            }

            bytes = bytes[read..];
        }

        return true;
    }

    public void Dispose() => _socket.Dispose();
}
