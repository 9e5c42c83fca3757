using Troupe.Actors.Forwards;
using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Gpu;

/// <summary>One forward of a launch, waiting for a lane, on one, or past it.</summary>
/// <param name="Index">Its place in the launch.</param>
/// <param name="Work">Null while it waits; its lane while that works for it; what was detached from it while outputs travel.</param>
internal readonly record struct Submission(OpenLaunch Open, int Index, ISubmission? Work)
{
    public AdmittedForward Forward => Open.Launch.Forwards[Index];
}
