using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Http.Server;

/// <summary>One listening address that answers every request through one pipeline, whatever protocol and whoever uses it.</summary>
/// <remarks><b>Owns</b> the socket and its connections, from <see cref="StartAsync"/> until disposed.</remarks>
internal sealed class KestrelListener : IAsyncDisposable
{
    private readonly WebApplication _application;

    private KestrelListener(WebApplication application, IPEndPoint address) => (_application, Address) = (application, address);

    /// <summary>Where it listens, with the port it was given where port 0 was asked for.</summary>
    public IPEndPoint Address { get; }

    /// <param name="answer">Answers what has passed the guard and the stages of <paramref name="spec"/>.</param>
    /// <exception cref="CliException">The address is taken, not this machine's, or not allowed.</exception>
    public static async Task<KestrelListener> StartAsync(
        ListenSpec spec,
        RequestDelegate answer,
        ILoggerFactory logs,
        CancellationToken cancellation
    )
    {
        IPEndPoint wanted = Resolve(spec);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "troupe" });
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, SilentLifetime>();
        builder
            .WebHost.UseKestrelCore()
            .ConfigureKestrel(kestrel =>
            {
                kestrel.AddServerHeader = false;
                kestrel.Limits.MaxRequestBodySize = null;

                // What has come of a body counts for no budget before it is read.
                kestrel.Limits.MaxRequestBufferSize = ConnectionMemory.BlockBytes;
                kestrel.Limits.MaxConcurrentConnections = spec.Limits.Connections;
                kestrel.Limits.RequestHeadersTimeout = spec.Limits.HeaderTime ?? kestrel.Limits.RequestHeadersTimeout;
                kestrel.Limits.KeepAliveTimeout = spec.Limits.IdleTime ?? kestrel.Limits.KeepAliveTimeout;
                kestrel.Listen(
                    wanted,
                    listen =>
                    {
                        listen.Protocols = spec.Protocols;
                        if (spec.Certificate is { } certificate)
                        {
                            listen.UseHttps(certificate);
                        }
                    }
                );
            });

        // After the server's own, which it takes the place of.
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, ConnectionMemory.Factory>();
        WebApplication application = builder.Build();
        application.Run(Pipeline(spec, answer, logs));
        try
        {
            await application.StartAsync(cancellation);
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            await application.DisposeAsync();
            throw Refused(spec.Option, spec.Address, refused);
        }

        string bound = application
            .Services.GetRequiredService<IServer>()
            .Features.GetRequiredFeature<IServerAddressesFeature>()
            .Addresses.First();
        return new KestrelListener(application, IPEndPoint.Parse(bound[(bound.IndexOf("//", StringComparison.Ordinal) + 2)..]));
    }

    /// <summary>One line for an address that cannot be listened on.</summary>
    public static CliException Refused(OptionKey option, ListenAddress address, Exception refused)
    {
        SocketError? code = (
            refused as SocketException
            ?? refused.InnerException as SocketException
            ?? refused.InnerException?.InnerException as SocketException
        )?.SocketErrorCode;
        return code switch
        {
            SocketError.AddressNotAvailable => new CliException(
                ExitCode.Usage,
                $"{option.Switch}: {address} is not an address of this machine; name one of its own",
                refused
            ),
            SocketError.AccessDenied => new CliException(
                ExitCode.Usage,
                $"{option.Switch}: this user may not listen on {address}; take a port above 1023",
                refused
            ),
            SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData => new CliException(
                ExitCode.Usage,
                $"{option.Switch}: the name in {address} has no address; check its spelling or write an IP address",
                refused
            ),
            _ => new CliException(
                ExitCode.AddressInUse,
                $"{option.Switch}: {address} is taken by another process; stop it or name another address",
                refused
            ),
        };
    }

    /// <summary>Takes no more connections and waits for the requests that run, at most as long as the token allows.</summary>
    public Task StopAsync(CancellationToken bound) => _application.StopAsync(bound);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    /// <summary>The guard, then the stages, then the answer.</summary>
    private static RequestDelegate Pipeline(ListenSpec spec, RequestDelegate answer, ILoggerFactory logs)
    {
        RequestDelegate next = answer;
        foreach (Func<RequestDelegate, RequestDelegate> stage in spec.Stages.Reverse())
        {
            next = stage(next);
        }

        return new RequestGuard(next, new UnreadBodies(spec.Time), logs.CreateLogger<RequestGuard>()).InvokeAsync;
    }

    private static IPEndPoint Resolve(ListenSpec spec)
    {
        try
        {
            return spec.Address.Resolve();
        }
        catch (SocketException unknown)
        {
            throw Refused(spec.Option, spec.Address, unknown);
        }
    }
}
