using System.Collections.Concurrent;
using Troupe.Messages.Identity;

namespace Troupe.Hosting.Edge;

/// <summary>The ledgers of this node's edge, one per model version and content, and how many forwards each device answered.</summary>
/// <remarks><b>Thread</b> any.</remarks>
internal sealed class ModelLedgers(TimeProvider clock)
{
    private readonly ConcurrentDictionary<ModelVersion, ModelLedger> _ledgers = new();
    private readonly ConcurrentDictionary<GpuId, StrongBox> _forwards = new();

    public ModelLedger Of(ModelVersion model) =>
        _ledgers.TryGetValue(model, out ModelLedger? known) ? known : _ledgers.GetOrAdd(model, _ => new ModelLedger(clock));

    /// <summary>Forgets what was counted: the model was unloaded, and a later load starts from zero.</summary>
    public void Forget(string name, IReadOnlyCollection<int> numbers)
    {
        foreach (ModelVersion model in _ledgers.Keys.Where(model => model.Name == name && numbers.Contains(model.Number)))
        {
            _ledgers.TryRemove(model, out _);
        }
    }

    /// <summary>Forgets every version that is not in <paramref name="served"/>.</summary>
    public void Keep(IEnumerable<ModelVersion> served)
    {
        HashSet<ModelVersion> kept = [.. served];
        foreach (ModelVersion gone in _ledgers.Keys.Where(model => !kept.Contains(model)))
        {
            _ledgers.TryRemove(gone, out _);
        }
    }

    public void CountForward(GpuId gpu) => Interlocked.Increment(ref _forwards.GetOrAdd(gpu, _ => new StrongBox()).Value);

    /// <summary>Forwards that succeeded on each device since this process started.</summary>
    public IReadOnlyDictionary<GpuId, long> Forwards() =>
        _forwards.ToDictionary(entry => entry.Key, entry => Interlocked.Read(ref entry.Value.Value));

    private sealed class StrongBox
    {
        public long Value;
    }
}
