using Troupe.Actors.Forwards;
using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;

namespace Troupe.Actors.Tests.Forwards;

/// <summary>What comes out of a launch is outputs or a failure, never both and never neither.</summary>
public sealed class ForwardResultTests
{
    [Fact]
    public void A_success_has_outputs_and_times_and_no_failure()
    {
        Tensor[] outputs = [new("y", ElementType.Fp32, new TensorShape(1), new byte[4])];
        ForwardResult result = ForwardResult.Succeeded(outputs, (1, 2, 3));
        Assert.Same(outputs, result.Outputs);
        Assert.Equal((1L, 2L, 3L), result.Times);
        Assert.Null(result.Failure);
    }

    [Fact]
    public void A_failure_has_its_reason_and_no_outputs()
    {
        ForwardResult result = ForwardResult.Failed(new ForwardException(FailureKind.BackendFailed, "for a reason"));
        Assert.Equal("for a reason", result.Failure!.Message);
        Assert.Null(result.Outputs);
    }
}
