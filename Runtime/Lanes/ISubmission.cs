using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Lanes;

/// <summary>Forwards that were submitted together, until their results are taken.</summary>
/// <remarks>A forward is named by its place in the submission, from 0. <b>Thread</b> the executor's. <b>Blocks</b> never.</remarks>
public interface ISubmission : IDisposable
{
    /// <summary>What became of one forward of the submission so far.</summary>
    LaneStatus Poll(int forward);

    /// <summary>After <see cref="LaneStatus.Succeeded"/>: the outputs of one forward in the module's order.</summary>
    /// <param name="leasesFrom">Each is on lease from there, and the caller's to release; null: each owns its bytes.</param>
    /// <exception cref="ForwardException">The host has no memory for them.</exception>
    Tensor[] TakeOutputs(int forward, HostMemory? leasesFrom = null);

    /// <summary>After <see cref="LaneStatus.Failed"/>: why.</summary>
    ForwardException FailureOf(int forward);

    /// <summary>Nanoseconds one forward spent copying in, computing and copying out, as far as the device tells.</summary>
    (long Input, long Infer, long Output) TimesOf(int forward);
}
