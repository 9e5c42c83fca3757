using Microsoft.Extensions.Logging;
using Troupe.Actors.Forwards;
using Troupe.Actors.Node;
using Troupe.Hosting.Options;
using Troupe.Hosting.Startup;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;

namespace Troupe.Benchmarks.Ladder;

/// <summary>A node alone with one emulated device: the whole way through the actors, in one process.</summary>
internal sealed class NodeRung : IDisposable
{
    private readonly NodeHost _host;
    private readonly ILoggerFactory _logs;
    private readonly Forward _forward;
    private readonly SpinningSink _sink = new();

    private NodeRung(NodeHost host, ILoggerFactory logs, Forward forward) => (_host, _logs, _forward) = (host, logs, forward);

    public ITroupeNode Node => _host.Node;

    public static NodeRung Open(LadderModel model)
    {
        ServeSpec spec = new()
        {
            Cluster = null,
            Devices = new DeviceChoice(DeviceKind.Emulated, 1),
            LogLevel = LogLevel.Warning,
        };
        ILoggerFactory logs = Logs.Open(spec.LogLevel, spec.LogFormat, toStandardError: true);
        NodeHost host = NodeHost.StartAsync(spec, logs, CancellationToken.None).GetAwaiter().GetResult();
        ModelReply reply = host
            .Node.LoadOwnAsync(new LoadModel(model.Name, Path: model.Path), CancellationToken.None)
            .GetAwaiter()
            .GetResult();
        return reply is ModelReply.Loaded
            ? new NodeRung(
                host,
                logs,
                new Forward
                {
                    Id = default,
                    Model = new ModelReference(model.Name),
                    Inputs = [model.Input],
                }
            )
            : throw new InvalidOperationException(reply.ToString());
    }

    public void Run()
    {
        _sink.Reset();
        _host.Node.Forward(_forward with { Id = _host.Node.NextRequestId() }, _sink);
        _sink.Wait();
    }

    public void Dispose()
    {
        _host.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _logs.Dispose();
    }

    /// <summary>Waits as a caller on a thread of its own would: spinning first, so that no wake-up of the waiter is measured.</summary>
    private sealed class SpinningSink : IForwardSink
    {
        private ForwardReply? _reply;

        public void Reset() => Volatile.Write(ref _reply, null);

        public void Complete(ForwardReply reply) => Volatile.Write(ref _reply, reply);

        public void Wait()
        {
            SpinWait spin = default;
            while (Volatile.Read(ref _reply) is null)
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }

            if (_reply is ForwardReply.Failed failed)
            {
                throw new InvalidOperationException(failed.Detail);
            }
        }
    }
}
