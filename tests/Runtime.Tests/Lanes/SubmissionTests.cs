using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Lanes;

public sealed class SubmissionTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void A_submission_that_a_lane_does_not_take_is_refused_before_anything_is_enqueued(int count)
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        Tensor x = Workbench.Floats("x", [1, 4], 1, 2, 3, 4);
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            Assert.Equal(1, lane.MaxForwards);
            LaneForward[] forwards = [.. Enumerable.Repeat(new LaneForward([x], []), count)];

            ArgumentException refused = Assert.Throws<ArgumentException>(() => lane.Submit(forwards, new(), () => { }));

            Assert.StartsWith($"A submission to this lane holds 1 forward; {count} were given.", refused.Message, StringComparison.Ordinal);
            Assert.Equal(0, instance.Counters.Snapshot().Forwards);
            Assert.Equal([2, 3, 4, 5], Workbench.Floats(Workbench.Finish(lane, [x])[0]));
        }
    }

    [Fact]
    public void A_forward_that_was_not_submitted_has_no_result()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            Workbench.Finish(lane, [Workbench.Floats("x", [1, 4], 1, 2, 3, 4)]);

            Assert.Throws<ArgumentOutOfRangeException>(() => lane.Poll(1));
            Assert.Throws<ArgumentOutOfRangeException>(() => lane.TakeOutputs(1));
            Assert.Throws<ArgumentOutOfRangeException>(() => lane.FailureOf(1));
            Assert.Throws<ArgumentOutOfRangeException>(() => lane.TimesOf(1));
        }
    }

    [Fact]
    public void A_forward_has_either_outputs_or_a_failure()
    {
        using var bench = new Workbench();
        ModuleInstance instance = bench.Load(TinyModels.AddOne());
        Assert.True(instance.TryLease(out ILane lane));
        using (lane)
        {
            Workbench.Finish(lane, [Workbench.Floats("x", [1, 4], 1, 2, 3, 4)]);

            Assert.Equal(LaneStatus.Succeeded, lane.Poll(0));
            Assert.Throws<InvalidOperationException>(() => lane.FailureOf(0));
        }
    }
}
