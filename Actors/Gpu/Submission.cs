using Troupe.Actors.Forwards;
using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Gpu;

/// <summary>One forward of a launch, waiting for a lane or on one.</summary>
/// <param name="Index">Its place in the launch.</param>
/// <param name="Lane">Null while it waits.</param>
internal readonly record struct Submission(OpenLaunch Open, int Index, ILane? Lane)
{
    public AdmittedForward Forward => Open.Launch.Forwards[Index];
}
