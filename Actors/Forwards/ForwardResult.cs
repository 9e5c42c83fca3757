using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Actors.Forwards;

/// <summary>What has become of one forward of a launch: its outputs and where the time went, or why there are none.</summary>
/// <param name="Outputs">In the module's order, each owning its bytes; null when it failed.</param>
/// <param name="Times">Nanoseconds of copying in, computing and copying out.</param>
internal readonly record struct ForwardResult(Tensor[]? Outputs, (long Input, long Infer, long Output) Times, ForwardException? Failure)
{
    public static ForwardResult Succeeded(Tensor[] outputs, (long Input, long Infer, long Output) times) => new(outputs, times, null);

    public static ForwardResult Failed(ForwardException failure) => new(null, default, failure);
}
