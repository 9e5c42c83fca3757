using Troupe.Messages.Formatters;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Wire;

/// <summary>What makes the messages of a forward valid.</summary>
internal static class ForwardingChecks
{
    public static void Forward(this WireCheck check, Forward? forward)
    {
        check.Present(forward, "the forward");
        check.Reference(forward.Model);
        check.Tensors(forward.Inputs, "the inputs");
        check.Each(
            forward.Outputs,
            "the list of outputs",
            static (check, output) => check.Name(output, "the name of an output"),
            WireLimits.Tensors
        );
        check.Duration(forward.TimeLeft, "the time left");
        if (forward.Gpu is { } gpu)
        {
            check.Gpu(gpu);
        }

        if (forward.Modes is { } modes)
        {
            check.Change(modes);
        }

        check.OptionalText(forward.TraceParent, "the trace context", WireLimits.NameBytes);
        check.Defined(forward.Class, "the class of a forward");
    }

    public static void Reply(this WireCheck check, ForwardReply? reply)
    {
        check.Present(reply, "the reply");
        switch (reply)
        {
            case ForwardReply.Succeeded succeeded:
                check.Tensors(succeeded.Outputs, "the outputs");
                check.Report(succeeded.Report);
                break;
            case ForwardReply.Failed failed:
                check.Defined(failed.Kind, "the kind of a failure");
                check.Prose(failed.Detail, "the detail of a failure");
                break;
        }
    }

    public static void Route(this WireCheck check, RouteForward route)
    {
        check.Forward(route.Forward);
        check.AtLeastOne(route.Attempt, "the attempt");
    }

    public static void Outcome(this WireCheck check, ForwardOutcome outcome)
    {
        check.AtLeastOne(outcome.Attempt, "the attempt");
        check.Defined(outcome.Advice, "the advice");
        check.Reply(outcome.Reply);
        if (outcome.Gpu is { } gpu)
        {
            check.Gpu(gpu);
        }
    }

    public static void Guilty(this WireCheck check, GuiltyForwards guilty) =>
        check.Each(guilty.Forwards, "the guilty forwards", static (check, forward) => check.Guilty(forward));

    private static void Guilty(this WireCheck check, GuiltyForward? forward)
    {
        check.Present(forward, "a guilty forward");
        check.Version(forward.Model);
        check.Duration(forward.TimeLeft, "the time that a forward is refused");
        check.Prose(forward.Where, "what a forward has ended");
    }

    private static void Report(this WireCheck check, ForwardReport? report)
    {
        check.Present(report, "the report");
        check.Version(report.Model);
        check.Gpu(report.Gpu);
        check.NotNegative(report.ModeEpoch, "the mode epoch");
        check.AtLeastOne(report.Attempts, "the number of attempts");
        check.NotNegative(report.Times.QueueNanoseconds, "the time queued");
        check.NotNegative(report.Times.ComputeInputNanoseconds, "the time copying in");
        check.NotNegative(report.Times.ComputeInferNanoseconds, "the time computing");
        check.NotNegative(report.Times.ComputeOutputNanoseconds, "the time copying out");
    }

    /// <summary>Bytes of tensor data in a message.</summary>
    public static long PayloadBytes(object message) =>
        message switch
        {
            Forward forward => Sum(forward.Inputs),
            RouteForward route => Sum(route.Forward.Inputs),
            ForwardReply.Succeeded succeeded => Sum(succeeded.Outputs),
            ForwardOutcome { Reply: ForwardReply.Succeeded succeeded } => Sum(succeeded.Outputs),
            _ => 0,
        };

    private static long Sum(Tensor[] tensors)
    {
        long sum = 0;
        foreach (Tensor tensor in tensors)
        {
            sum += tensor.Payload.Length;
        }

        return sum;
    }
}
