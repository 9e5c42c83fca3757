using Troupe.Actors.Forwards;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Tests.Http;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Messages.Wire;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Tests.Edge;

/// <summary>The call that every protocol makes, without any of them.</summary>
public sealed class InferenceCallTests
{
    private readonly FakeNode _node = new(FakeNode.AddModel(), FakeNode.AddModel(number: 2));
    private readonly NodeEdge _edge;

    public InferenceCallTests() =>
        _edge = new NodeEdge(_node, new ModelLedgers(TimeProvider.System), new EdgeSpec(null, 1 << 20, "0.0-test"), TestMemory.Host);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("add", null, 2)]
    [InlineData("add", 1, 1)]
    public void The_version_is_the_one_named_or_the_highest(string name, int? version, int found)
    {
        Assert.True(InferenceCall.TryFind(_edge, name, version, out ServedModel? model, out _));
        Assert.Equal(found, model.Number);
    }

    [Fact]
    public void Where_it_names_none_the_rule_of_the_model_says_it()
    {
        _node.Rule = (_, _) => VersionRule.Read("1")!;
        Assert.True(InferenceCall.TryFind(_edge, "add", null, out ServedModel? pinned, out _));
        Assert.Equal(1, pinned.Number);
        Assert.True(InferenceCall.TryFind(_edge, "add", 2, out ServedModel? named, out _));
        Assert.Equal(2, named.Number);
        _node.Rule = (_, _) => VersionRule.Read("3")!;
        Assert.False(InferenceCall.TryFind(_edge, "add", null, out _, out _));
        _node.Rule = (_, _) => VersionRule.Default;
        _node.View = _node.View with { Newest = new Dictionary<string, int> { ["add"] = 1 } };
        Assert.True(InferenceCall.TryFind(_edge, "add", null, out ServedModel? newest, out _));
        Assert.Equal(1, newest.Number);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 2)]
    public async Task A_session_chooses_the_version_of_a_call_that_names_none(bool namesVersion, int expected)
    {
        _node.Answer = _node.Echo;
        _node.Rule = (session, _) => VersionRule.Read(session is null ? "2" : "1")!;
        CallSpec call = Spec(new InferParameter("troupe_session", new SessionId(Guid.NewGuid()).ToString()));
        await RunAsync(call with { NamesVersion = namesVersion }, TestContext.Current.CancellationToken);
        Assert.Equal(expected, Assert.Single(_node.Forwards).Model.Number);
    }

    [Fact]
    public async Task A_version_with_other_tensors_is_not_taken_for_what_was_read_for_another()
    {
        _node.View = _node.View with { Nodes = [_node.Snapshot([FakeNode.FixedModel("add"), FakeNode.AddModel(number: 2)])] };
        _node.Rule = (_, call) => VersionRule.Read(call?.Version?.Words ?? "2")!;
        CallSpec call = Spec(new InferParameter("troupe_version", "1"));
        ForwardReply.Failed failed = Assert.IsType<ForwardReply.Failed>(await RunAsync(call, TestContext.Current.CancellationToken));
        Assert.Equal(FailureKind.InvalidRequest, failed.Kind);
        Assert.Contains("name the version in the request", failed.Detail, StringComparison.Ordinal);
        Assert.Empty(_node.Forwards);
    }

    [Theory]
    [InlineData("nope", null, "Request for unknown model: 'nope' is not found")]
    [InlineData("add", 7, "Request for unknown model: 'add' version 7 is not found")]
    public void A_model_that_nobody_serves_is_a_failure_like_any_other(string name, int? version, string detail)
    {
        Assert.False(InferenceCall.TryFind(_edge, name, version, out _, out ForwardReply.Failed? failed));
        Assert.Equal((FailureKind.ModelNotLoaded, detail), (failed.Kind, failed.Detail));
    }

    [Fact]
    public async Task A_call_goes_out_with_its_version_modes_session_deadline_and_trace()
    {
        _node.Answer = _node.Echo;
        SessionId session = new(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));
        CallSpec call = Spec(
            new InferParameter("troupe_pre_allocated_outputs", Flag: true),
            new InferParameter("troupe_session", session.ToString())
        ) with
        {
            TimeLeft = TimeSpan.FromSeconds(3),
            TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        };

        Assert.IsType<ForwardReply.Succeeded>(await RunAsync(call, TestContext.Current.CancellationToken));

        Forward forward = Assert.Single(_node.Forwards);
        Assert.Equal(
            (new ModelReference("add", 2), session, TimeSpan.FromSeconds(3), call.TraceParent),
            (forward.Model, forward.Session, forward.TimeLeft, forward.TraceParent)
        );
        Assert.Equal(ModeChange.None with { PreAllocatedOutputs = true }, forward.Modes);
        Assert.Equal(Forward.DefaultTimeLeft, Spec().TimeLeft);
    }

    [Theory]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true)]
    [InlineData("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", true)]
    [InlineData("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01x", false)]
    [InlineData("00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01", false)]
    [InlineData("00-trace", false)]
    [InlineData("", false)]
    public async Task What_is_no_trace_context_is_left_out(string written, bool passed)
    {
        _node.Answer = _node.Echo;
        await RunAsync(Spec() with { TraceParent = written }, TestContext.Current.CancellationToken);

        Assert.Equal(passed ? written : null, Assert.Single(_node.Forwards).TraceParent);
    }

    [Fact]
    public async Task A_trace_context_of_513_bytes_does_not_keep_a_forward_from_another_node()
    {
        _node.Answer = _node.Echo;
        string longest = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-".PadRight(512, 'a');
        foreach ((string written, bool passed) in new[] { (longest, true), (longest + "a", false) })
        {
            await RunAsync(Spec() with { TraceParent = written }, TestContext.Current.CancellationToken);
            Forward forward = _node.Forwards.Last();

            Assert.Equal(passed ? written : null, forward.TraceParent);
            Assert.Equal(forward.Id, Travelled(new RouteForward(forward, 1)).Forward.Id);
        }
    }

    private static RouteForward Travelled(RouteForward route) =>
        (RouteForward)WireFormat.Deserialize(WireFormat.Manifest(route), WireFormat.Serialize(route));

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(9, 0)]
    [InlineData(ulong.MaxValue, 0)]
    public async Task A_priority_that_is_no_level_is_the_default_one(ulong written, int priority)
    {
        _node.Answer = _node.Echo;
        await RunAsync(Spec() with { Priority = written }, TestContext.Current.CancellationToken);

        Assert.Equal((priority, ForwardClass.Online), (_node.Forwards.Single().Priority, _node.Forwards.Single().Class));
    }

    [Theory]
    [InlineData("0.5", null, null, 0.5)]
    [InlineData("7", null, 7L, null)]
    [InlineData("on", true, null, null)]
    [InlineData("off", false, null, null)]
    public void A_parameter_is_one_word_however_it_came(string word, bool? flag, long? integer, double? number)
    {
        Assert.Equal(word, new InferParameter("p", Flag: flag, Integer: integer, Number: number).Written);
        Assert.Equal(word, new InferParameter("p", Text: word).Written);
    }

    [Fact]
    public async Task Wrong_modes_are_refused_before_anything_is_forwarded_or_counted()
    {
        ForwardReply.Failed failed = Assert.IsType<ForwardReply.Failed>(
            await RunAsync(Spec(new InferParameter("troupe_nonsense", Text: "on")), TestContext.Current.CancellationToken)
        );

        Assert.Equal(FailureKind.InvalidRequest, failed.Kind);
        Assert.Empty(_node.Forwards);
        Assert.Equal(default, Ledger.Read());
    }

    [Fact]
    public async Task What_succeeds_is_counted_with_its_batch_and_device()
    {
        _node.Answer = _node.Echo;

        await RunAsync(Spec(), TestContext.Current.CancellationToken);

        ModelCounts counts = Ledger.Read();
        Assert.Equal((2L, 1L, 1L, 0L), (counts.Inferences, counts.Executions, counts.Success.Count, Ledger.Pending));
        Assert.Equal(1, _edge.Ledgers.Forwards()[_node.Gpu]);
    }

    public static TheoryData<FailureKind> Kinds => [.. Enum.GetValues<FailureKind>()];

    [Theory, MemberData(nameof(Kinds))]
    public async Task What_fails_is_counted_as_the_map_says_or_not_at_all(FailureKind kind)
    {
        _node.Answer = forward => new ForwardReply.Failed(forward.Id, kind, "because");

        Assert.Equal(kind, Assert.IsType<ForwardReply.Failed>(await RunAsync(Spec(), TestContext.Current.CancellationToken)).Kind);

        FailureReason? counted = FailureMap.Of(kind).Reason;
        Assert.Equal(counted is null ? 0 : 1, Ledger.Read().Fail.Count);
        Assert.All(Enum.GetValues<FailureReason>(), reason => Assert.Equal(reason == counted ? 1 : 0, Ledger.Failures(reason)));
        Assert.Equal(0, Ledger.Pending);
    }

    [Fact]
    public async Task A_caller_that_goes_away_cancels_its_forward()
    {
        _node.Answer = _ => null;
        using CancellationTokenSource aborted = new();
        ValueTask<ForwardReply> running = RunAsync(Spec(), aborted.Token);
        (Forward forward, IForwardSink sink) = Assert.Single(_node.Waiting);
        Assert.Equal(1, Ledger.Pending);

        await aborted.CancelAsync();
        await _node.Cancellation(forward.Id).Task.WaitAsync(Cancellation);
        sink.Complete(new ForwardReply.Failed(forward.Id, FailureKind.Cancelled, "the caller went away"));

        Assert.Equal(FailureKind.Cancelled, Assert.IsType<ForwardReply.Failed>(await running).Kind);
        Assert.Equal(1, Ledger.Failures(FailureReason.Canceled));
    }

    private ServedModel Model
    {
        get
        {
            Assert.True(_edge.Catalogue.TryFind("add", null, out ServedModel? model));
            return model;
        }
    }

    private ModelLedger Ledger => _edge.Ledgers.Of(Model.Snapshot.Model);

    private ValueTask<ForwardReply> RunAsync(CallSpec call, CancellationToken aborted = default) =>
        InferenceCall.RunAsync(_edge, Model, call, aborted);

    private static CallSpec Spec(params InferParameter[] parameters) =>
        new(
            [
                new Tensor("INPUT0", ElementType.Fp32, new TensorShape(2, 3), new byte[24]),
                new Tensor("INPUT1", ElementType.Fp32, new TensorShape(2, 3), new byte[24]),
            ],
            [],
            parameters
        );
}
