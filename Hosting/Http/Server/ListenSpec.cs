using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Troupe.Hosting.Options;

namespace Troupe.Hosting.Http.Server;

/// <summary>Where and how one address is listened on.</summary>
/// <param name="Option">The option that named the address, for errors.</param>
internal sealed record ListenSpec(OptionKey Option, ListenAddress Address)
{
    /// <summary>HTTP/1.1 alone where nothing else is said; both over TLS are told apart by what the client offers.</summary>
    public HttpProtocols Protocols { get; init; } = HttpProtocols.Http1;

    /// <summary>What the server shows for TLS; null: plain.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>By which clients that go on sending are waited for.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    public ListenLimits Limits { get; init; } = new();

    /// <summary>What every request passes before it is answered, outermost first; each makes its stage over the next one.</summary>
    public IReadOnlyList<Func<RequestDelegate, RequestDelegate>> Stages { get; init; } = [];
}
