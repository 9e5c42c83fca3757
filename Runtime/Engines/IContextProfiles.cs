using Troupe.Runtime.Cuda;

namespace Troupe.Runtime.Engines;

/// <summary>The facet of execution contexts that can be on one of several optimization profiles.</summary>
internal interface IContextProfiles
{
    int Active { get; }

    /// <summary>Switches the profile, ordered on <paramref name="stream"/>; shapes must be set again.</summary>
    void Switch(int index, CuStream stream);
}
