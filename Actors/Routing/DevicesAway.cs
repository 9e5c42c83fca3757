using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>Devices that have lost a version and will have it again: forwards wait for them.</summary>
/// <remarks>Knows no Akka; part of a <see cref="RoutingTable"/>, which writes it anew at each change of residency.</remarks>
internal sealed class DevicesAway
{
    private readonly Dictionary<string, List<(ModelVersion Model, GpuId Gpu)>> _byName = new(StringComparer.Ordinal);

    public void Clear() => _byName.Clear();

    public void Add(ModelVersion model, GpuId gpu)
    {
        if (!_byName.TryGetValue(model.Name, out List<(ModelVersion Model, GpuId Gpu)>? away))
        {
            _byName.Add(model.Name, away = []);
        }

        away.Add((model, gpu));
    }

    /// <param name="wanted">That device; null: any.</param>
    /// <param name="node">Devices of that node alone; null: of all.</param>
    public bool Has(ModelReference model, GpuId? wanted, NodeId? node = null)
    {
        if (_byName.Count > 0 && _byName.TryGetValue(model.Name, out List<(ModelVersion Model, GpuId Gpu)>? away))
        {
            foreach ((ModelVersion version, GpuId gpu) in away)
            {
                if (
                    (model.Number ?? version.Number) == version.Number
                    && (wanted ?? gpu) == gpu
                    && (node is not { } only || gpu.Node == only)
                )
                {
                    return true;
                }
            }
        }

        return false;
    }
}
