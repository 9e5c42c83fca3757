using System.Net.Sockets;
using System.Text;

namespace Troupe.Hosting.Bench;

/// <summary>Reads one answer after the other to its end, and keeps of each what it said.</summary>
/// <remarks><b>Owns</b> its buffer. <b>Thread</b> one at a time.</remarks>
internal sealed class LoadAnswer
{
    private const int MostShown = 300;

    private readonly byte[] _buffer = new byte[1 << 16];
    private int _head;
    private int _read;

    /// <summary>Whether it was a 200.</summary>
    public bool Succeeded => _buffer.AsSpan(0, _read).StartsWith("HTTP/1.1 200"u8);

    /// <summary>Whether the server ends the connection behind it.</summary>
    public bool Closes { get; private set; }

    /// <summary>Its status line, and the beginning of what it says.</summary>
    public string Error
    {
        get
        {
            string status = Encoding.ASCII.GetString(_buffer, 0, Math.Max(_buffer.AsSpan(0, _head).IndexOf("\r\n"u8), 0));
            int body = Math.Min(_read - _head - 4, MostShown);
            return body > 0 ? $"{status}: {Encoding.UTF8.GetString(_buffer, _head + 4, body)}" : status;
        }
    }

    /// <exception cref="IOException">It ends before its end, or is none that can be measured.</exception>
    public async Task ReadAsync(Socket socket, CancellationToken end)
    {
        (_read, _head) = (0, -1);
        while (_head < 0)
        {
            _read += await ReceiveAsync(socket, _buffer.AsMemory(_read), end);
            _head = _buffer.AsSpan(0, _read).IndexOf("\r\n\r\n"u8);
            if (_head < 0 && _read == _buffer.Length)
            {
                throw new IOException($"the head of an answer is longer than {_buffer.Length} bytes");
            }
        }

        long left = ReadHead(_buffer.AsSpan(0, _head)) - (_read - _head - 4);
        bool whole = _read + left <= _buffer.Length;
        while (left > 0)
        {
            // A long body is passed over; of a short one the text is kept.
            int received = await ReceiveAsync(socket, _buffer.AsMemory(whole ? _read : _head + 4), end);
            _read += whole ? received : 0;
            left -= received;
        }
    }

    private static async ValueTask<int> ReceiveAsync(Socket socket, Memory<byte> target, CancellationToken end)
    {
        int received = await socket.ReceiveAsync(target, end);
        return received > 0 ? received : throw new IOException("the server closed a connection in the middle of an answer");
    }

    /// <summary>The length of the body.</summary>
    private long ReadHead(ReadOnlySpan<byte> head)
    {
        Closes = false;
        long? length = null;
        foreach (string line in Encoding.ASCII.GetString(head).Split("\r\n"))
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase) && long.TryParse(line.AsSpan(15), out long written))
            {
                length = written;
            }

            Closes |=
                line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase)
                && line.Contains("close", StringComparison.OrdinalIgnoreCase);
        }

        return length >= 0 ? length.Value : throw new IOException("the server answered without a length");
    }
}
