using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>What a change of the table of modes means for one module.</summary>
internal readonly record struct TargetChange(TargetModes Target, ModeSettings Before, ModeSettings After)
{
    /// <summary>Graphs begin, so that the module can be warmed up for them.</summary>
    public bool BeginsGraphs => After.CudaGraphs != Before.CudaGraphs && After.CudaGraphs != CudaGraphsMode.Off;

    private bool ConcernsInstance => PerInstance.Differs(Before, After);

    /// <summary>Applies changes to their modules, all of them or none.</summary>
    /// <exception cref="ForwardException">One refused; what could not be restored meanwhile is left to the module's next
    /// forward.</exception>
    public static void ApplyAll(ReadOnlySpan<TargetChange> changes)
    {
        int applied = 0;
        try
        {
            for (; applied < changes.Length; applied++)
            {
                if (changes[applied].ConcernsInstance)
                {
                    changes[applied].Target.Module.Apply(changes[applied].After);
                }
            }
        }
        catch
        {
            while (--applied >= 0)
            {
                if (changes[applied].ConcernsInstance)
                {
                    changes[applied].Target.Restore(changes[applied].Before);
                }
            }

            throw;
        }
    }
}
