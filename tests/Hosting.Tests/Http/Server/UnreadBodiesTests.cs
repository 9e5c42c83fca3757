using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>Clients that have their answer and go on sending cost little, and lose no answer.</summary>
public sealed class UnreadBodiesTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_goes_on_sending_is_read_at_the_common_pace_and_then_closed(bool chunked)
    {
        FakeTimeProvider time = new();
        await using KestrelListener listener = await StartAsync(time);
        Uri url = new($"http://{listener.Address}/");
        using RawClient client = await RawClient.ConnectAsync(url);
        Task<bool> sending = Task.Run(() => SendAsync(client, 64 << 20, chunked));

        string head = await client.ReadHeadAsync();
        while (!sending.IsCompleted)
        {
            // No second passes but these.
            time.Advance(UnreadBodies.Patience);
            using RawClient other = await RawClient.ConnectAsync(url);
            await other.SendAsync("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
            Assert.StartsWith("HTTP/1.1 503 ", await other.ReadHeadAsync(), StringComparison.Ordinal);
        }

        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        Assert.False(await sending, "All of a body that nobody wanted was read.");
    }

    [Fact]
    public async Task What_all_clients_together_go_on_sending_is_read_at_the_pace()
    {
        FakeTimeProvider time = new();
        UnreadBodies unread = new(time);
        Upload[] uploads = [.. Enumerable.Range(0, 4).Select(_ => new Upload(long.MaxValue))];

        // Where no context waits for continuations: they run as soon as their time has come.
        await Task.Run(
            () =>
            {
                foreach (Upload upload in uploads)
                {
                    _ = unread.ReadOnAsync(upload.Context);
                }

                long atOnce = uploads.Sum(static one => one.Read);
                for (int step = 0; step < 1000; step++)
                {
                    time.Advance(TimeSpan.FromMilliseconds(1));
                }

                Assert.Equal(uploads.Length * Upload.Part, atOnce);
                Assert.InRange(uploads.Sum(static one => one.Read) - atOnce, UnreadBodies.Pace / 2, UnreadBodies.Pace);
            },
            Cancellation
        );
    }

    [Fact]
    public async Task However_many_clients_were_closed_after_patience_the_next_one_is_read_at_once()
    {
        FakeTimeProvider time = new();
        UnreadBodies unread = new(time);
        Upload[] uploads = [.. Enumerable.Range(0, 400).Select(_ => new Upload(long.MaxValue))];
        Upload next = new(3 * Upload.Part);
        Task all = Task.WhenAll(uploads.Select(upload => unread.ReadOnAsync(upload.Context)));
        time.Advance(UnreadBodies.Patience);
        await all;
        time.Advance(UnreadBodies.Patience);
        Task reading = unread.ReadOnAsync(next.Context);
        while (!reading.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(1, Cancellation);
        }

        Assert.All(uploads, static one => Assert.True(one.IsClosed));
        Assert.Equal((3 * Upload.Part, false), (next.Read, next.IsClosed));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_reads_when_it_has_sent_all_has_its_answer(bool chunked)
    {
        await using KestrelListener listener = await StartAsync(TimeProvider.System);
        using RawClient client = await RawClient.ConnectAsync(new Uri($"http://{listener.Address}/"));

        Assert.True(await SendAsync(client, 16 << 20, chunked));

        Assert.StartsWith("HTTP/1.1 503 ", await client.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_small_body_that_nobody_read_the_connection_goes_on()
    {
        await using KestrelListener listener = await StartAsync(TimeProvider.System);
        using RawClient client = await RawClient.ConnectAsync(new Uri($"http://{listener.Address}/"));
        for (int round = 0; round < 3; round++)
        {
            Assert.True(await SendAsync(client, (int)UnreadBodies.Small, chunked: false));

            Assert.DoesNotContain("Connection: close", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task After_a_large_body_that_was_read_the_connection_goes_on()
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(new FakeNode(FakeNode.AddModel()), maxRequestBytes: 8 << 20);
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        for (int round = 0; round < 3; round++)
        {
            Assert.True(await SendAsync(client, 4 << 20, chunked: round == 1, "/v2/models/add/infer"));

            string head = await client.ReadHeadAsync();
            Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
            Assert.DoesNotContain("Connection: close", head, StringComparison.Ordinal);
            await client.ReadAsync(new byte[Length(head)]);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_lone_body_of_the_largest_size_is_read_where_all_together_may_have_no_more(bool chunked)
    {
        await using EdgeFixture edge = await EdgeFixture.StartAsync(
            new FakeNode(FakeNode.AddModel()),
            maxRequestBytes: 10 << 20,
            maxRequestMemory: 10 << 20
        );
        using RawClient client = await RawClient.ConnectAsync(edge.Url);
        for (int round = 0; round < 3; round++)
        {
            Assert.True(await SendAsync(client, 10 << 20, chunked, "/v2/models/add/infer"));

            // Spaces are no request; there was room for all of them.
            string head = await client.ReadHeadAsync();
            Assert.StartsWith("HTTP/1.1 400 ", head, StringComparison.Ordinal);
            await client.ReadAsync(new byte[Length(head)]);
        }
    }

    /// <summary>Answers at once, without a look at what comes.</summary>
    private static Task<KestrelListener> StartAsync(TimeProvider time) =>
        KestrelListener.StartAsync(
            new ListenSpec(OptionKeys.Http, new ListenAddress("127.0.0.1", 0)) { Time = time },
            context => Answer.EmptyAsync(context, StatusCodes.Status503ServiceUnavailable, Answer.Text),
            NullLoggerFactory.Instance,
            Cancellation
        );

    private static int Length(string head) =>
        int.Parse(head.Split("Content-Length: ")[1].Split('\r')[0], System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>False when the connection was closed before all was sent.</summary>
    private static async Task<bool> SendAsync(RawClient client, int bytes, bool chunked, string path = "/")
    {
        byte[] part = Encoding.ASCII.GetBytes(new string(' ', 1 << 16));
        string length = chunked ? "Transfer-Encoding: chunked" : FormattableString.Invariant($"Content-Length: {bytes}");
        bool isOpen = await client.SendAsync($"POST {path} HTTP/1.1\r\nHost: t\r\n{length}\r\n\r\n");
        for (int sent = 0; isOpen && sent < bytes; sent += part.Length)
        {
            isOpen =
                (!chunked || await client.SendAsync("10000\r\n"))
                && await client.SendAsync(part)
                && (!chunked || await client.SendAsync("\r\n"));
        }

        return isOpen && (!chunked || await client.SendAsync("0\r\n\r\n"));
    }

    /// <summary>A body of which there is always a part to be read, until it ends.</summary>
    private sealed class Upload : PipeReader, IRequestBodyPipeFeature, IHttpRequestLifetimeFeature
    {
        public const long Part = 4 << 20;

        private static readonly ReadOnlySequence<byte> Bytes = new(new byte[Part]);
        private readonly long _length;
        private bool _isOpen;

        public Upload(long length)
        {
            _length = length;
            Context.Features.Set<IRequestBodyPipeFeature>(this);
            Context.Features.Set<IHttpRequestLifetimeFeature>(this);
        }

        public DefaultHttpContext Context { get; } = new();

        public long Read { get; private set; }

        public bool IsClosed { get; private set; }

        public PipeReader Reader => this;

        public CancellationToken RequestAborted { get; set; }

        public void Abort() => IsClosed = true;

        public override bool TryRead(out ReadResult result)
        {
            Assert.False(_isOpen, "A part is read before the one before it is done with.");
            _isOpen = true;
            Read += Part;
            result = new ReadResult(Bytes, isCanceled: false, isCompleted: Read >= _length);
            return true;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            cancellationToken.ThrowIfCancellationRequested();
            TryRead(out ReadResult result);
            return ValueTask.FromResult(result);
        }

        public override void AdvanceTo(SequencePosition consumed) => _isOpen = false;

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => _isOpen = false;

        public override void CancelPendingRead() { }

        public override void Complete(Exception? exception = null) { }
    }
}
