using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Troupe.Messages.Identity;
using Troupe.Runtime.Configuration;

namespace Troupe.Actors.Models;

/// <summary>How versions are configured: those that are loaded on this node, written by the model directory, and those of others that
/// were asked for; read by the edge.</summary>
/// <remarks><b>Thread</b> any; what is loaded here is replaced whole, before the node says that it has a version.</remarks>
internal sealed class ServedConfigurations
{
    /// <summary>Most versions of other nodes that are remembered.</summary>
    private const int MostOfOthers = 4096;

    private readonly ConcurrentDictionary<ModelVersion, ModelConfiguration> _ofOthers = new();
    private readonly ConditionalWeakTable<ModelConfiguration, byte[]> _written = [];
    private volatile Dictionary<ModelVersion, ModelConfiguration> _byModel = [];

    public ModelConfiguration? Of(ModelVersion model) => _byModel.GetValueOrDefault(model) ?? _ofOthers.GetValueOrDefault(model);

    /// <summary>As it travels; null of one that is not loaded here.</summary>
    public byte[]? Written(ModelVersion model) =>
        _byModel.TryGetValue(model, out ModelConfiguration? own) ? _written.GetValue(own, one => one.ToBytes()) : null;

    /// <summary>What another node has said; by its content it is the same on every node.</summary>
    public void Add(ModelVersion model, ModelConfiguration configuration)
    {
        if (_ofOthers.Count >= MostOfOthers)
        {
            _ofOthers.Clear();
        }

        _ofOthers[model] = configuration;
    }

    public void Replace(IEnumerable<KeyValuePair<ModelVersion, ModelConfiguration>> configurations) =>
        _byModel = configurations.ToDictionary();
}
