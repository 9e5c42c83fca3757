using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Gpu;

/// <summary>A forward that a lane is working on.</summary>
internal readonly record struct Submission(Launch Launch, QueuedForward Forward, ILane Lane);
