using Troupe.Actors.Decisions;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Gpu;

/// <summary>Tells every GPU of an executor's group once that the devices are unusable.</summary>
/// <remarks>Knows no Akka; part of <see cref="ExecutorCore"/> and of its thread. <b>Owns</b> nothing.</remarks>
internal sealed class GroupFault(int incarnation, IDeviceGroup group, DecisionQueue<ExecutorDecision, IExecutorShell> decisions)
{
    public bool IsTold { get; private set; }

    /// <summary>To be called before a failure is told, so that it is judged by the fault behind it.</summary>
    /// <param name="evidence">What was launched at this moment, the failed one included.</param>
    public void Check(CrashEvidence evidence)
    {
        if (!IsTold && group.Fault is { } fault)
        {
            IsTold = true;
            foreach (int ordinal in group.Ordinals)
            {
                decisions.Add(new ExecutorDecision(ordinal, new DeviceFaulted(incarnation, fault, evidence)));
            }
        }
    }
}
