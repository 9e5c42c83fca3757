using System.Net;
using System.Net.Sockets;
using System.Text;
using Troupe.Hosting.Bench;

namespace Troupe.Hosting.Tests.Bench;

/// <summary>A load ends when its time is up, whatever the server does, and says what went wrong first.</summary>
public sealed class LoadGeneratorTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
    private const string Refusal = "HTTP/1.1 400 Bad Request\r\nContent-Length: 16\r\n\r\n{\"error\":\"so it\"";

    /// <summary>Long enough for a machine that does other things too.</summary>
    private static readonly TimeSpan Short = TimeSpan.FromMilliseconds(300);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", "no answer within 0.3 s")]
    [InlineData("HTTP/1.1 200 OK\r\n", "no answer within 0.3 s")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", "no answer within 0.3 s")]
    public async Task A_server_that_does_not_answer_is_not_waited_for(string answer, string error)
    {
        await using Server server = new((_, _) => answer);

        LoadResult result = await LoadGenerator.RunAsync("http", server.Load(Short), Cancellation);

        Assert.Equal((0L, 1L, error), (result.Calls, result.Failed, result.FirstError));
    }

    [Theory]
    [InlineData(Refusal, "HTTP/1.1 400 Bad Request: {\"error\":\"so it\"")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "the server answered without a length")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "the server answered without a length")]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 Not Found")]
    [InlineData("close", "the server closed a connection in the middle of an answer")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nclose", "the server closed a connection in the middle of an answer")]
    [InlineData("long", "the head of an answer is longer than 65536 bytes")]
    public async Task A_call_that_fails_is_counted_the_first_is_shown_and_the_next_are_made(string bad, string error)
    {
        await using Server server = new((_, call) => call < 3 ? bad : Ok);

        LoadResult result = await LoadGenerator.RunAsync("http", server.Load(TimeSpan.FromSeconds(60), calls: 5), Cancellation);

        Assert.Equal((5L, 3L, error), (result.Calls, result.Failed, result.FirstError));
    }

    [Fact]
    public async Task A_server_that_closes_after_each_answer_is_called_again()
    {
        await using Server server = new(
            (_, _) => Ok.Replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n", StringComparison.Ordinal) + "close"
        );

        LoadResult result = await LoadGenerator.RunAsync("http", server.Load(TimeSpan.FromSeconds(60), calls: 4), Cancellation);

        Assert.Equal((4L, 0L, null), (result.Calls, result.Failed, result.FirstError));
        Assert.Equal(4, server.Connections);
    }

    [Fact]
    public async Task A_long_answer_is_read_to_its_end()
    {
        string answer = $"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n{new string('x', 200_000)}";
        await using Server server = new((_, _) => answer);

        LoadResult result = await LoadGenerator.RunAsync("http", server.Load(TimeSpan.FromSeconds(60), calls: 3), Cancellation);

        Assert.Equal((3L, 0L), (result.Calls, result.Failed));
    }

    [Fact]
    public async Task Nobody_listening_is_said_at_once()
    {
        LoadSpec load;
        await using (Server gone = new((_, _) => Ok))
        {
            load = gone.Load(TimeSpan.FromSeconds(60));
        }

        await Assert.ThrowsAsync<SocketException>(() => LoadGenerator.RunAsync("http", load, Cancellation));
    }

    /// <summary>Answers what a test tells it to: <c>close</c> at the end closes the connection.</summary>
    private sealed class Server : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly Func<int, int, string> _answer;
        private readonly Task _running;
        private int _calls;
        private int _connections;

        public Server(Func<int, int, string> answer)
        {
            _answer = answer;
            _listener.Start();
            _running = AcceptAsync();
        }

        public int Connections => _connections;

        public LoadSpec Load(TimeSpan duration, long calls = long.MaxValue) =>
            new(
                new DnsEndPoint("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port),
                Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\n\r\n"),
                Clients: 1,
                duration,
                calls
            );

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _running;
            _stop.Dispose();
        }

        private async Task AcceptAsync()
        {
            List<Task> serving = [];
            try
            {
                while (true)
                {
                    Socket socket = await _listener.AcceptSocketAsync(_stop.Token);
                    _connections++;
                    serving.Add(ServeAsync(socket));
                }
            }
            catch (Exception stopped) when (stopped is OperationCanceledException or SocketException)
            {
                await Task.WhenAll(serving);
            }
        }

        private async Task ServeAsync(Socket socket)
        {
            using (socket)
            {
                byte[] request = new byte[100];
                try
                {
                    while (await socket.ReceiveAsync(request, _stop.Token) > 0)
                    {
                        string answer = _answer(_connections, _calls++);
                        bool closes = answer.EndsWith("close", StringComparison.Ordinal);
                        string text =
                            answer == "long" ? new string('x', 70_000)
                            : closes ? answer[..^5]
                            : answer;
                        await socket.SendAsync(Encoding.ASCII.GetBytes(text), _stop.Token);
                        if (closes)
                        {
                            return;
                        }
                    }
                }
                catch (Exception gone) when (gone is OperationCanceledException or SocketException)
                {
                    // The client or the test has ended.
                }
            }
        }
    }
}
