using Troupe.Messages.Identity;
using Troupe.Runtime.Configuration;

namespace Troupe.Actors.Models;

/// <summary>How the versions that are loaded on this node are configured, written by the model directory and read by the edge.</summary>
/// <remarks><b>Thread</b> any; replaced whole, before the node says that it has a version.</remarks>
internal sealed class ServedConfigurations
{
    private volatile Dictionary<ModelVersion, ModelConfiguration> _byModel = [];

    public ModelConfiguration? Of(ModelVersion model) => _byModel.GetValueOrDefault(model);

    public void Replace(IEnumerable<KeyValuePair<ModelVersion, ModelConfiguration>> configurations) =>
        _byModel = configurations.ToDictionary();
}
