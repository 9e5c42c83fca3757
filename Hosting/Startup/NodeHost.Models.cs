using Troupe.Hosting.Options;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;

namespace Troupe.Hosting.Startup;

/// <summary>A node's models: loaded at start, and where its repositories are polled, brought to what those hold.</summary>
internal sealed partial class NodeHost
{
    /// <summary>Loads what the settings name, or everything in the repositories. A model that cannot be loaded is logged and leaves the
    /// node not ready; the others are served.</summary>
    public async Task LoadModelsAsync(CancellationToken cancellation)
    {
        if (_spec.ModelControl == ModelControl.Poll)
        {
            await FollowAsync(cancellation);
            return;
        }

        foreach (string name in _spec.Load ?? [.. _repository.List().Select(model => model.Name).Distinct()])
        {
            Log(name, await Node.LoadOwnAsync(new LoadModel(name), cancellation));
        }
    }

    /// <summary>Looks at the repositories from time to time, until cancelled.</summary>
    public Task PollAsync(TimeProvider time, CancellationToken cancellation) =>
        RepositoryRounds.RunAsync(_spec.PollInterval, time, FollowAsync, trouble => LogTrouble(_log, trouble), cancellation);

    /// <summary>Brings the node's models to what the repositories hold now.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        foreach (RepositoryChange change in _watch.Changes(_repository.Look))
        {
            ModelReply reply = await FollowAsync(change, cancellation);
            bool isPassing =
                reply is ModelReply.Failed { Kind: not (FailureKind.InvalidModel or FailureKind.NotSupported or FailureKind.NotFound) };
            if (!isPassing)
            {
                _watch.End(change.Name);
            }

            if (!isPassing || _watch.Retry(change.Name, ((ModelReply.Failed)reply).Detail))
            {
                Log(change.Name, reply);
            }
        }
    }

    private async Task<ModelReply> FollowAsync(RepositoryChange change, CancellationToken cancellation)
    {
        try
        {
            return change.IsThere
                ? await Node.LoadOwnAsync(new LoadModel(change.Name, Replaces: Node.View.ContentsOf(change.Name)), cancellation)
                : await Node.UnloadOwnAsync(new UnloadModel(change.Name), cancellation);
        }
        catch (Exception trouble) when (!cancellation.IsCancellationRequested)
        {
            // One model keeps the others from nothing, and is tried again.
            return new ModelReply.Failed(change.Name, FailureKind.Internal, trouble.Message);
        }
    }

    private void Log(string name, ModelReply reply)
    {
        switch (reply)
        {
            case ModelReply.Loaded loaded:
                LogLoaded(_log, loaded.Model.ToString(), string.Join(' ', loaded.Gpus));
                break;
            case ModelReply.Unloaded unloaded:
                LogRemark(_log, $"unloaded {unloaded.Name}, which is in the model repository no longer");
                break;
            case ModelReply.Failed failed:
                LogNotLoaded(_log, name, failed.Kind.ToString(), failed.Detail);
                break;
        }
    }

    [LoggerMessage(EventId = 2, Level = LogLevel.Information, Message = "loaded {Model} on {Devices}")]
    private static partial void LogLoaded(ILogger log, string model, string devices);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "model {Model} is not served: {Kind}: {Detail}")]
    private static partial void LogNotLoaded(ILogger log, string model, string kind, string detail);

    [LoggerMessage(EventId = 4, Level = LogLevel.Warning, Message = "{Trouble}")]
    private static partial void LogTrouble(ILogger log, string trouble);
}
