namespace Troupe.Hosting.Http.Server;

/// <summary>Keeps a host from listening to signals: they belong to the command line, which stops things in order.</summary>
internal sealed class SilentLifetime : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
