using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>What the builder of a node works with and within. Immutable.</summary>
/// <param name="Options">How instances are made.</param>
/// <param name="StepBound">Longest time for finding and trying a model, and for loading it on one device.</param>
/// <param name="Probe">Where models that are asked for from outside are tried first; null: nowhere.</param>
/// <param name="ProbesOwn">Those that the node's own settings name are tried as well.</param>
/// <param name="DefaultMaxBatchSize">Most entries of a batch of a model that can be batched and is not configured.</param>
internal sealed record BuilderSpec(
    IPlatform Platform,
    IModelRepository Repository,
    InstanceOptions Options,
    TimeSpan StepBound,
    IModelProbe? Probe = null,
    bool ProbesOwn = false,
    int DefaultMaxBatchSize = 4
);
