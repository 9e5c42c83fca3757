using System.Collections.Immutable;
using Troupe.Actors.Forwards;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Actors.Gpu;

/// <summary>GPU to executor: run these forwards of one instance, all with the same settings. The executor's unit. Answered by
/// <see cref="LaunchEnded"/>.</summary>
/// <param name="Incarnation">The executor it is for; another one drops it.</param>
/// <param name="Forwards">One or more.</param>
internal sealed record Launch(int Incarnation, int Ordinal, ImmutableArray<AdmittedForward> Forwards) : IExecutorRequest
{
    public ModelVersion Model => Forwards[0].Model;

    public ModeSettings Settings => Forwards[0].Settings;
}

/// <summary>Executor to GPU: every forward of the launch has its result.</summary>
/// <param name="Results">In the order of the launch's forwards.</param>
internal sealed record LaunchEnded(Launch Launch, ImmutableArray<ForwardResult> Results) : IExecutorNews, IOwnsLeases
{
    public void Release()
    {
        foreach (ForwardResult result in Results)
        {
            result.Release();
        }
    }
}
