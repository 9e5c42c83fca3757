using Troupe.Runtime.Instances;

namespace Troupe.Actors.Models;

/// <summary>A loaded instance between the builder that made it and the executor that shall own it: exactly one of them takes it, also when
/// the executor dies meanwhile.</summary>
/// <remarks><b>Owns</b> the instance until it is taken. <b>Thread</b> any.</remarks>
internal sealed class InstanceHandOver(IModuleInstance instance)
{
    private IModuleInstance? _instance = instance;

    /// <summary>The instance, for the first who asks; null for everybody after.</summary>
    public IModuleInstance? Claim() => Interlocked.Exchange(ref _instance, null);
}
