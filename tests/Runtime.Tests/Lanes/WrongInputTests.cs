using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Plans;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

/// <summary>What <see cref="InputCheck"/> refuses of host tensors.</summary>
public sealed class WrongInputTests
{
    [Theory, Trait("row", "IN-05")]
    [InlineData("none", "Wrong number of inputs, expected 2 got 0.")]
    [InlineData("three", "Wrong number of inputs, expected 2 got 3.")]
    [InlineData("unknown", "has no input 'c'; it has 'a', 'b'")]
    [InlineData("twice", "The input 'a' is given twice.")]
    [InlineData("type", "Expected input tensors to have type FP32, but the input 'b' is INT64.")]
    [InlineData("rank", "The input 'b' has the shape [1,2]; the module 'm/1' expects [-1]")]
    [InlineData("size", "The input 'b' holds 4 bytes; its type FP32 and shape [2] imply 8.")]
    public void Each_misfit_has_its_own_error_and_the_next_good_request_works(string misfit, string expected)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Sum());
        Tensor a = Workbench.Floats("a", [2], 1, 2),
            b = Workbench.Floats("b", [2], 10, 20);
        Tensor[] inputs = misfit switch
        {
            "none" => [],
            "three" => [a, b, b],
            "unknown" => [a, b with { Name = "c" }],
            "twice" => [a, a],
            "type" => [a, Workbench.Longs("b", [2], 1, 2)],
            "rank" => [a, b with { Shape = new TensorShape(1, 2) }],
            _ => [a, b with { Data = b.Data[..4] }],
        };

        ForwardException refused = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, inputs));
        Assert.Equal(FailureKind.InvalidInput, refused.Kind);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);

        Assert.Equal([11, 22], Workbench.Floats(Workbench.Forward(instance, a, b)[0]));
    }

    [Fact]
    public void An_output_that_does_not_exist_is_refused_by_name()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            ForwardException refused = Assert.Throws<ForwardException>(() =>
                lane.Submit([new LaneForward([Workbench.Floats("x", [1, 4], 1, 2, 3, 4)], ["z"])], new(), () => { })
            );
            Assert.Equal("The module 'm/1' has no output 'z'; it has 'y'.", refused.Message);
        }
    }

    [Fact]
    public void Inputs_in_any_order_are_matched_by_name()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Pick());
        Tensor[] results = Workbench.Forward(instance, Workbench.Longs("i", [2], 2, 0), Workbench.Floats("x", [3], 5, 6, 7));
        Assert.Equal([7, 5], Workbench.Floats(results[0]));
    }

    [Fact]
    public void A_failure_while_it_runs_fails_that_forward_alone()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.Pick());
        Tensor x = Workbench.Floats("x", [3], 5, 6, 7);

        ForwardException failed = Assert.Throws<ForwardException>(() => Workbench.Forward(instance, x, Workbench.Longs("i", [1], 9)));
        Assert.Equal(FailureKind.BackendFailed, failed.Kind);
        Assert.Contains("'_run_on_acc_0' failed while it ran", failed.Message, StringComparison.Ordinal);

        Assert.Equal([6], Workbench.Floats(Workbench.Forward(instance, x, Workbench.Longs("i", [1], 1))[0]));
    }
}
