using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Troupe.Hosting.Http.Server;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>One listener for every user of an address: protocols, TLS, limits, and the stages that a request passes.</summary>
public sealed class KestrelListenerTests
{
    private static readonly ListenSpec Loopback = new(OptionKeys.Http, new ListenAddress("127.0.0.1", 0));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(HttpProtocols.Http1, "1.1", false)]
    [InlineData(HttpProtocols.Http2, "2.0", false)]
    [InlineData(HttpProtocols.Http1, "1.1", true)]
    [InlineData(HttpProtocols.Http2, "2.0", true)]
    [InlineData(HttpProtocols.Http1AndHttp2, "1.1", true)]
    [InlineData(HttpProtocols.Http1AndHttp2, "2.0", true)]
    public async Task It_speaks_the_protocols_it_is_told_plain_or_over_tls(HttpProtocols protocols, string version, bool tls)
    {
        using X509Certificate2 certificate = Certificate();
        await using KestrelListener listener = await StartAsync(
            Loopback with
            {
                Protocols = protocols,
                Certificate = tls ? certificate : null,
            },
            context => Answer.BytesAsync(context, 200, Answer.Text, "pong"u8.ToArray())
        );
        using HttpClient client = Client(certificate);
        using HttpRequestMessage request = new(HttpMethod.Get, $"{(tls ? "https" : "http")}://{listener.Address}/")
        {
            Version = Version.Parse(version),
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };

        using HttpResponseMessage answer = await client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, Version.Parse(version)), (answer.StatusCode, answer.Version));
        Assert.Equal("pong", await answer.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task A_request_passes_the_stages_in_their_order_and_a_stage_may_answer_it()
    {
        static Func<RequestDelegate, RequestDelegate> Stage(string name) =>
            next =>
                context =>
                {
                    context.Response.Headers.Append("Passed", name);
                    return context.Request.Path == "/" + name ? Answer.EmptyAsync(context, 403, Answer.Text) : next(context);
                };
        await using KestrelListener listener = await StartAsync(
            Loopback with
            {
                Stages = [Stage("first"), Stage("second")],
            },
            context => Answer.EmptyAsync(context, 200, Answer.Text)
        );
        using HttpClient client = new();

        foreach (
            (string path, int status, string passed) in new[]
            {
                ("", 200, "first,second"),
                ("second", 403, "first,second"),
                ("first", 403, "first"),
            }
        )
        {
            using HttpResponseMessage answer = await client.GetAsync(new Uri($"http://{listener.Address}/{path}"), Cancellation);
            Assert.Equal((status, passed), ((int)answer.StatusCode, string.Join(',', answer.Headers.GetValues("Passed"))));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_defect_costs_one_request_its_answer_and_no_more(bool late)
    {
        bool broken = true;
        await using KestrelListener listener = await StartAsync(
            Loopback,
            async context =>
            {
                if (late)
                {
                    await Task.Yield();
                }

                await (broken ? throw new InvalidOperationException("a defect") : Answer.EmptyAsync(context, 200, Answer.Text));
            }
        );
        using HttpClient client = new();
        Uri url = new($"http://{listener.Address}/");

        using HttpResponseMessage failed = await client.GetAsync(url, Cancellation);
        broken = false;
        using HttpResponseMessage served = await client.GetAsync(url, Cancellation);

        Assert.Equal((HttpStatusCode.InternalServerError, HttpStatusCode.OK), (failed.StatusCode, served.StatusCode));
        Assert.Equal(
            """{"error":"internal error: a defect of the node, which its log describes"}""",
            await failed.Content.ReadAsStringAsync(Cancellation)
        );
    }

    [Fact]
    public async Task More_connections_than_allowed_are_closed()
    {
        TaskCompletionSource held = new(TaskCreationOptions.RunContinuationsAsynchronously),
            arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using KestrelListener listener = await StartAsync(
            Loopback with
            {
                Limits = new ListenLimits(Connections: 1),
            },
            async context =>
            {
                arrived.TrySetResult();
                await held.Task;
                await Answer.EmptyAsync(context, 200, Answer.Text);
            }
        );
        using HttpClient client = new(),
            other = new();
        Uri url = new($"http://{listener.Address}/");

        Task<HttpResponseMessage> first = client.GetAsync(url, Cancellation);
        await arrived.Task;
        await Assert.ThrowsAsync<HttpRequestException>(() => other.GetAsync(url, Cancellation));
        held.SetResult();
        using HttpResponseMessage answer = await first;

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static Task<KestrelListener> StartAsync(ListenSpec spec, RequestDelegate answer) =>
        KestrelListener.StartAsync(spec, answer, NullLoggerFactory.Instance, Cancellation);

    /// <summary>Trusts this certificate and no other.</summary>
    private static HttpClient Client(X509Certificate2 certificate) =>
        new(
            new SocketsHttpHandler
            {
                UseProxy = false,
                SslOptions = new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == certificate.GetCertHashString(),
                },
            }
        );

    private static X509Certificate2 Certificate()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 made = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pkcs12), null);
    }
}
