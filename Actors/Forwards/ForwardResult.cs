using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Actors.Forwards;

/// <summary>What has become of one forward of a launch: its outputs and where the time went, or why there are none.</summary>
internal readonly record struct ForwardResult
{
    // One or the other, in one place: results lie in an array for every launch.
    private readonly object _outputsOrFailure;

    private ForwardResult(object outputsOrFailure, (long Input, long Infer, long Output) times)
    {
        _outputsOrFailure = outputsOrFailure;
        Times = times;
    }

    /// <summary>Nanoseconds of copying in, computing and copying out.</summary>
    public (long Input, long Infer, long Output) Times { get; }

    /// <summary>In the module's order, each owning its bytes; null when it failed.</summary>
    public Tensor[]? Outputs => _outputsOrFailure as Tensor[];

    public ForwardException? Failure => _outputsOrFailure as ForwardException;

    /// <summary>Nobody takes it: leases of its outputs end.</summary>
    public void Release() => Outputs?.Release();

    public static ForwardResult Succeeded(Tensor[] outputs, (long Input, long Infer, long Output) times) => new(outputs, times);

    public static ForwardResult Failed(ForwardException failure) => new(failure, default);
}
