using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;

namespace Troupe.Actors.Models;

/// <summary>Makes the calls that a configuration wants made before its model is ready.</summary>
/// <remarks><b>Thread</b> the builder's, before the instance is handed over. <b>Blocks</b> until they are made.</remarks>
internal static class WarmupRun
{
    /// <summary>How often a call is looked at that nobody is woken for.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);

    /// <exception cref="ModuleLoadException">A call failed.</exception>
    public static void Run(
        IModuleInstance instance,
        ModelConfiguration configuration,
        IEnumerable<WarmupRequest> requests,
        CancellationToken cancellation
    )
    {
        foreach (WarmupRequest request in requests)
        {
            if (!instance.TryLease(out ILane lane))
            {
                throw new ModuleLoadException(FailureKind.OutOfDeviceMemory, "There is no memory for the calls of model_warmup.");
            }

            using (lane)
            {
                for (int call = 0; call < request.Count; call++)
                {
                    cancellation.ThrowIfCancellationRequested();
                    Run(lane, request, configuration);
                }
            }
        }
    }

    private static void Run(ILane lane, WarmupRequest request, ModelConfiguration configuration)
    {
        // Not disposed of: the driver may wake it once more when the call is over.
        var woken = new AutoResetEvent(initialState: false);
        try
        {
            var forward = new LaneForward([.. request.Inputs.Select(configuration.ToModel)], []);
            lane.Submit([forward], ModeSettings.Default, () => woken.Set());
            LaneStatus status;
            while ((status = lane.Poll(0)) == LaneStatus.Pending)
            {
                woken.WaitOne(Look);
            }

            if (status == LaneStatus.Failed)
            {
                throw lane.FailureOf(0);
            }
        }
        catch (ForwardException failed)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"The call '{request.Name}' of model_warmup failed: {failed.Message}",
                failed
            );
        }
    }
}
