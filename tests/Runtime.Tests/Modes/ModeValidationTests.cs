using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Tests.Modes;

public class ModeValidationTests
{
    private static readonly GpuId Gpu = new(new NodeId("a:1"), 0);
    private static readonly ModeScope InSession = new(Session: new SessionId(Guid.Empty));

    public static TheoryData<ModeChange, string> BadChanges { get; } =
        new()
        {
            { ModeChange.None, "sets no mode" },
            {
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange() },
                "sets no mode"
            },
            {
                new ModeChange { CudaGraphs = (CudaGraphsMode)9 },
                "CudaGraphsMode has no value 9; it is off, per-segment, whole-module or auto"
            },
            {
                new ModeChange { Workspace = (WorkspaceStrategy)(-1) },
                "WorkspaceStrategy has no value -1; it is static or dynamic"
            },
            {
                new ModeChange { Profiling = (ProfilingFormat)3 },
                "ProfilingFormat has no value 3; it is off, trex or perfetto"
            },
            {
                new ModeChange { Profile = ProfileChoice.Pinned(-1) },
                "profile index -1 is negative"
            },
            {
                new ModeChange { WeightBudget = WeightBudget.OfBytes(-1) },
                "Requested budget cannot be negative"
            },
            {
                new ModeChange { WeightBudget = WeightBudget.OfFraction(-0.5) },
                "Requested budget cannot be negative"
            },
            {
                new ModeChange { WeightBudget = WeightBudget.OfFraction(1.01) },
                "out of range [0, 1]"
            },
            {
                new ModeChange { WeightBudget = WeightBudget.OfFraction(double.NaN) },
                "out of range [0, 1]"
            },
            {
                new ModeChange { WeightBudget = new WeightBudget((WeightBudgetKind)7, 0, 0) },
                "WeightBudget has no kind 7"
            },
            {
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange((KernelSpecialization)5) },
                "KernelSpecialization has no value 5; it is lazy, eager or none"
            },
            {
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange(GraphStrategy: (EngineGraphStrategy)5) },
                "EngineGraphStrategy has no value 5; it is disabled or whole-graph-capture"
            },
            {
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File("a\0b")) },
                "no file name"
            },
            {
                new ModeChange { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File(new string('x', 5000))) },
                "no file name"
            },
        };

    public static TheoryData<ModeScope, string> BadScopes { get; } =
        new()
        {
            { new ModeScope(Node: new NodeId("b:1"), Gpu: Gpu), "node b:1 and GPU a:1/0, which is on another node" },
            { new ModeScope(Gpu: new GpuId(new NodeId("a:1"), -1)), "no GPU" },
            { new ModeScope(Gpu: default(GpuId)), "no GPU" },
            { new ModeScope(Node: default(NodeId)), "without an address" },
            { new ModeScope(Model: default(ModelReference)), "without a name" },
            { new ModeScope(Model: new ModelReference("m", 0)), "version 0 of model 'm'" },
        };

    [Theory, MemberData(nameof(BadChanges)), Trait("row", "RS-01"), Trait("row", "WS-04")]
    public void A_bad_value_is_named_with_what_it_may_be(ModeChange change, string text)
    {
        ModeRefusal? refusal = ModeValidation.Change(ModeScope.Cluster, change);
        Assert.Equal(FailureKind.InvalidRequest, refusal?.Kind);
        Assert.Contains(text, refusal!.Reason, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(BadScopes))]
    public void A_scope_whose_selectors_disagree_is_refused(ModeScope scope, string text)
    {
        ModeRefusal? refusal = ModeValidation.Scope(scope);
        Assert.Equal(FailureKind.InvalidRequest, refusal?.Kind);
        Assert.Contains(text, refusal!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_holds_a_mode_decides_for_which_scopes_it_can_be_set()
    {
        var model = new ModelReference("m");
        foreach (ModeField field in ModeField.All)
        {
            ModeChange change = field.Set(ModeChange.None, ModeSettings.Default);
            bool needsDevice = field.Holder is not (ModeHolder.Router or ModeHolder.Version);
            bool needsForward = field.Holder != ModeHolder.Instance;
            Assert.Equal(needsForward, !field.PerInstance);
            Holds(true, ModeValidation.Change(ModeScope.Cluster, change));
            Holds(true, ModeValidation.Change(new ModeScope(Model: model), change));
            Holds(field.Holder != ModeHolder.Version, ModeValidation.Change(new ModeScope(Model: new ModelReference("m", 2)), change));
            Holds(needsDevice, ModeValidation.Change(new ModeScope(Node: Gpu.Node), change));
            Holds(needsDevice, ModeValidation.Change(new ModeScope(Gpu: Gpu), change));
            Holds(needsDevice, ModeValidation.Change(new ModeScope(Gpu: Gpu, Model: model), change));
            Holds(needsForward, ModeValidation.Change(InSession, change));
            Holds(needsForward, ModeValidation.Call(change));
            Holds(needsDevice && needsForward, ModeValidation.Change(InSession with { Gpu = Gpu }, change));

            void Holds(bool expected, ModeRefusal? refusal)
            {
                Assert.Equal(expected, refusal is null);
                Assert.Equal(expected ? null : FailureKind.InvalidRequest, refusal?.Kind);
                Assert.Same(expected ? null : field, refusal?.Field);
                Assert.StartsWith(expected ? "" : $"{field} ", refusal?.Reason ?? "", StringComparison.Ordinal);
            }
        }
    }

    [Fact, Trait("row", "OA-05")]
    public void A_change_that_contradicts_itself_is_refused()
    {
        var change = new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment, OutputAllocator = true };
        Assert.Equal(ModeConflicts.AllocatorWithGraphs, ModeValidation.Change(ModeScope.Cluster, change)?.Reason);
        Assert.Null(ModeValidation.Change(ModeScope.Cluster, change with { CudaGraphs = CudaGraphsMode.Off }));
    }

    [Theory]
    [InlineData(0.05, false)]
    [InlineData(-1, false)]
    [InlineData(0.1, true)]
    [InlineData(86_400, true)]
    [InlineData(86_401, false)]
    public void A_lease_is_neither_too_short_nor_too_long(double seconds, bool good) =>
        Assert.Equal(good, ModeValidation.Lease(TimeSpan.FromSeconds(seconds)) is null);

    [Fact]
    public void A_GPU_with_its_own_node_is_the_GPU() =>
        Assert.Equal(new ModeScope(Gpu: Gpu), ModeScopes.Normalize(new ModeScope(Node: Gpu.Node, Gpu: Gpu)));
}
