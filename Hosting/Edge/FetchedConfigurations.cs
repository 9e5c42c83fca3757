using System.Collections.Concurrent;
using Troupe.Actors.Node;
using Troupe.Messages.Identity;

namespace Troupe.Hosting.Edge;

/// <summary>Has the configurations of versions that only other nodes have fetched once, whoever asks for them at once, and not again for a
/// while where that failed.</summary>
/// <remarks><b>Thread</b> any.</remarks>
internal sealed class FetchedConfigurations(ITroupeNode node, TimeProvider clock)
{
    private const int MostFailed = 4096;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<ModelVersion, Lazy<Task>> _fetches = new();
    private readonly ConcurrentDictionary<ModelVersion, long> _failed = new();

    /// <summary>Afterwards the node knows it, or could not be told in time: then it is as a model without one.</summary>
    public Task FetchAsync(ModelVersion model)
    {
        if (_failed.TryGetValue(model, out long failed) && clock.GetElapsedTime(failed) < Pause)
        {
            return Task.CompletedTask;
        }

        return _fetches.GetOrAdd(model, one => new Lazy<Task>(() => RunAsync(one))).Value;
    }

    private void Note(ModelVersion model)
    {
        if (_failed.Count >= MostFailed)
        {
            _failed.Clear();
        }

        _failed[model] = clock.GetTimestamp();
    }

    private async Task RunAsync(ModelVersion model)
    {
        try
        {
            // Whoever asked by a view from before the last fetch finds that it is known by now.
            if ((node.ConfigurationOf(model) ?? await node.FetchConfigurationAsync(model, CancellationToken.None)) is null)
            {
                Note(model);
                return;
            }

            _failed.TryRemove(model, out _);
        }
        catch (Exception)
        {
            // Whatever it was: the model is as one without, which is no failure of the request that asked.
            Note(model);
        }
        finally
        {
            _fetches.TryRemove(model, out _);
        }
    }
}
