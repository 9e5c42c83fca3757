using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Runtime.Memory;

namespace Troupe.Benchmarks.Ladder;

/// <summary>One connection to the real edge on loopback: a prepared binary V2 request, its whole answer read.</summary>
internal sealed class HttpRung : IDisposable
{
    private readonly KestrelListener _listener;
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _request;
    private readonly byte[] _answer = new byte[64 * 1024];

    private HttpRung(KestrelListener listener, byte[] request)
    {
        _listener = listener;
        _request = request;
        _socket.Connect(listener.Address);
    }

    public static HttpRung Open(NodeRung node, LadderModel model)
    {
        NodeEdge edge = new(node.Node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 1 << 26, "benchmark"), new HostMemory());
        Dispatcher dispatcher = new(edge);
        KestrelListener listener = KestrelListener
            .StartAsync(
                new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)),
                dispatcher.InvokeAsync,
                NullLoggerFactory.Instance,
                CancellationToken.None
            )
            .GetAwaiter()
            .GetResult();
        return new HttpRung(listener, Request(model));
    }

    public void Run()
    {
        _socket.Send(_request);
        int read = 0,
            length = -1;
        while (length < 0 || read < length)
        {
            int received = _socket.Receive(_answer, read, _answer.Length - read, SocketFlags.None);
            read += received > 0 ? received : throw new InvalidOperationException("The server closed the connection.");
            length = length < 0 ? Length(_answer.AsSpan(0, read)) : length;
        }

        if (!_answer.AsSpan().StartsWith("HTTP/1.1 200"u8))
        {
            throw new InvalidOperationException(Encoding.UTF8.GetString(_answer.AsSpan(0, read)));
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _listener.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    private static byte[] Request(LadderModel model)
    {
        string json =
            "{\"inputs\":[{\"name\":\""
            + model.Input.Name
            + "\",\"datatype\":\"FP32\",\"shape\":"
            + model.Input.Shape
            + string.Create(CultureInfo.InvariantCulture, $",\"parameters\":{{\"binary_data_size\":{model.Input.Data.Length}}}}}")
            + "],\"parameters\":{\"binary_data_output\":true}}";
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST /v2/models/{model.Name}/infer HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: {json.Length}\r\nContent-Length: {json.Length + model.Input.Data.Length}\r\n\r\n"
        );
        return [.. Encoding.ASCII.GetBytes(head + json), .. model.Input.Data.Span];
    }

    /// <summary>Bytes of the whole answer; -1 while its head is not complete.</summary>
    private static int Length(ReadOnlySpan<byte> answer)
    {
        int head = answer.IndexOf("\r\n\r\n"u8);
        if (head < 0)
        {
            return -1;
        }

        ReadOnlySpan<byte> name = "Content-Length: "u8;
        ReadOnlySpan<byte> value = answer[(answer.IndexOf(name) + name.Length)..];
        return head + 4 + int.Parse(value[..value.IndexOf((byte)'\r')], CultureInfo.InvariantCulture);
    }
}
