using Troupe.Actors.Membership;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;
using GivenConfiguration = Troupe.Runtime.Configuration.GivenConfiguration;

namespace Troupe.Actors.Tests.Models;

/// <summary>Loads, unloads and losses of devices as the core and its <see cref="ModelOperations"/> decide about them.</summary>
public sealed class ModelDirectoryCoreTests
{
    private static readonly NodeId Self = new("a:1");

    private readonly FakePlatform _platform = new(3);
    private readonly ModelRecorder _recorder = new();
    private readonly ModelDirectoryCore _core;
    private readonly Dictionary<string, (FailureKind Kind, string Detail)> _failures = [];
    private ModelSnapshot? _elsewhere;
    private int[] _further = [];
    private int[]? _devices;
    private GivenConfiguration? _configuration;

    public ModelDirectoryCoreTests()
    {
        _core = new ModelDirectoryCore(Self, _ => _elsewhere, _recorder.Queue);
        for (int ordinal = 0; ordinal < 3; ordinal++)
        {
            _core.Ready([ordinal]);
        }
    }

    [Fact]
    public void A_load_reserves_then_commits_on_every_device()
    {
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.Empty(_core.Snapshot());
        StepOnce();
        Assert.Equal(ModelState.Loading, Assert.Single(_core.Snapshot()).State);
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal([0, 1, 2], Gpus("m"));
    }

    [Fact]
    public void A_device_that_is_lost_for_good_hands_its_model_to_a_sibling()
    {
        Load("m", 0, 1);
        _core.Gone(new DeviceGone(1, "sticky", true));
        Settle();
        Assert.Equal([0, 2], Gpus("m"));
        _core.Gone(new DeviceGone(2, "sticky", true));
        Settle();
        Assert.Equal([0], Gpus("m"));
        _core.Gone(new DeviceGone(0, "sticky", true));
        Settle();
        ModelSnapshot left = Assert.Single(_core.Snapshot());
        Assert.Equal((ModelState.Unavailable, 0), (left.State, left.Gpus.Length));
        Assert.NotEmpty(left.Reason);
    }

    [Fact]
    public void A_sibling_without_room_is_passed_over()
    {
        Load("m", 0);
        _failures["1"] = (FailureKind.OutOfDeviceMemory, "full");
        _core.Gone(new DeviceGone(0, "sticky", true));
        Settle();
        Assert.Equal([2], Gpus("m"));
    }

    [Fact]
    public void A_rebuilt_device_gets_its_models_back_and_no_other()
    {
        Load("m", 1);
        _core.Gone(new DeviceGone(1, "a crash", false));
        Settle();
        Assert.Equal(ModelState.Loading, Assert.Single(_core.Snapshot()).State);
        _core.Ready([1]);
        Settle();
        Assert.Equal([1], Gpus("m"));
    }

    [Fact]
    public void A_device_that_is_lost_again_while_it_gets_its_models_back_gets_them_the_next_time()
    {
        Load("m", 1);
        _core.Gone(new DeviceGone(1, "a crash", false));
        Settle();
        _core.Ready([1]);
        _core.Gone(new DeviceGone(1, "another crash", false));
        Settle();
        ModelSnapshot away = Assert.Single(_core.Snapshot());
        Assert.Equal((ModelState.Loading, true), (away.State, away.IsComingBack));
        Assert.Equal([new GpuId(Self, 1)], away.Awaited!);
        _core.Ready([1]);
        Settle();
        Assert.Equal([1], Gpus("m"));
        Assert.False(Assert.Single(_core.Snapshot()).IsComingBack);
        _core.Gone(new DeviceGone(1, "a third", false));
        _core.Ready([1]);
        _core.Gone(new DeviceGone(1, "for good", true));
        Settle();
        Assert.Equal([0], Gpus("m"));
    }

    [Fact]
    public void Content_that_another_node_serves_under_the_number_is_not_contradicted()
    {
        _elsewhere = new ModelSnapshot(
            new ModelVersion("m", 1, new ContentHash(1, 2, 3, 4)),
            ModelState.Ready,
            "",
            "fake",
            [],
            [],
            [],
            true
        );
        _core.Load(new LoadModel("m"), new Asker("caller"));
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal(FailureKind.AlreadyExists, failed.Kind);
        Assert.Contains(_elsewhere.Model.Hash.ToString(), failed.Detail, StringComparison.Ordinal);
        Assert.Empty(_core.Snapshot());
        Assert.Equal(0, _platform.Live);
    }

    [Fact]
    public void A_device_lost_in_the_middle_of_a_load_of_named_devices_takes_it_back()
    {
        _core.Load(new LoadModel("m", Gpus: [0, 1]), new Asker("caller"));
        for (int i = 0; i < 4 && !_core.Snapshot().Any(model => model.State == ModelState.Ready); i++)
        {
            StepOnce();
        }

        _core.Gone(new DeviceGone(1, "sticky", true));
        ModelReply? reply = Settle("caller");
        Assert.Equal(FailureKind.DeviceLost, Assert.IsType<ModelReply.Failed>(reply).Kind);
        Assert.Empty(_core.Snapshot());
        Assert.True(_core.IsIdle);
    }

    [Fact]
    public void Operations_wait_their_turn_and_too_many_are_refused()
    {
        for (int i = 0; i <= OperationQueue.Limit; i++)
        {
            _core.Load(new LoadModel("m"), new Asker($"caller {i}"));
        }

        _core.Load(new LoadModel("m"), new Asker("one more"));
        Assert.Equal(
            FailureKind.QueueFull,
            Assert.IsType<ModelReply.Failed>(Decisions.Last(decision => decision.Reply is not null).Reply).Kind
        );
        Assert.IsType<ModelReply.Loaded>(Settle($"caller {OperationQueue.Limit}"));
        Assert.True(_core.IsIdle);
        Assert.Equal(3, _platform.Live);
    }

    [Fact]
    public void A_device_gets_back_what_was_on_it_however_many_loads_hang()
    {
        Load("m", 1);
        HangLoads();
        _core.Load(new LoadModel("m", 2), new Asker("waits"));
        _core.Gone(new DeviceGone(1, "a crash", false));
        _core.Ready([1]);
        BuildInstance restore = Assert.IsType<BuildInstance>(
            Assert.Single(Decisions, decision => decision.Message is BuildInstance).Message
        );
        Assert.Equal(("m", 1, true), (restore.Source.Model.Name, restore.Ordinal, restore.IsRestore));
    }

    [Fact]
    public void Loads_that_wait_refuse_no_unload()
    {
        Load("m", 1);
        HangLoads();
        for (int i = 0; i <= OperationQueue.Limit; i++)
        {
            _core.Load(new LoadModel($"waits-{i}"), new Asker("waits"));
        }

        Assert.Equal("256 loads wait on node a:1 already. Try again later.", Assert.IsType<ModelReply.Failed>(Decisions[^1].Reply).Detail);
        _core.Unload(new UnloadModel("m"), new Asker("caller"));
        Assert.Single(Decisions, decision => decision.Message is UnloadInstance);
    }

    [Fact]
    public void Unloading_what_is_not_loaded_says_so()
    {
        _core.Unload(new UnloadModel("m", 4), new Asker("caller"));
        Assert.Contains("Version 4 of model 'm'", Assert.IsType<ModelReply.Failed>(Settle("caller")).Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Unloading_takes_every_version_from_every_device()
    {
        Load("m");
        _core.Load(new LoadModel("m", 2), null);
        Settle();
        _core.Unload(new UnloadModel("m"), new Asker("caller"));
        Assert.Equal([1, 2], Assert.IsType<ModelReply.Unloaded>(Settle("caller")).Numbers);
        Assert.Empty(_core.Snapshot());
        Assert.Equal(0, _platform.Live);
    }

    [Fact]
    public void A_load_of_several_versions_is_answered_after_the_last()
    {
        _further = [2, 5];
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.Equal(5, Assert.IsType<ModelReply.Loaded>(Settle("caller")).Model.Number);
        Assert.Equal([1, 2, 5], _core.Snapshot().Select(model => model.Model.Number));
        Assert.All(_core.Snapshot(), model => Assert.Equal((ModelState.Ready, 3), (model.State, model.Gpus.Length)));
        Assert.True(_core.IsIdle);
    }

    [Fact]
    public void A_load_of_several_versions_of_which_none_has_room_fails_once()
    {
        _further = [2];
        Array.ForEach(["0", "1", "2"], ordinal => _failures[ordinal] = (FailureKind.OutOfDeviceMemory, "full"));
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.Equal("full", Assert.IsType<ModelReply.Failed>(Settle("caller")).Detail);
        Assert.Empty(_core.Snapshot());
        Assert.True(_core.IsIdle);
    }

    [Fact]
    public void A_model_goes_to_no_device_that_its_configuration_keeps_from_it()
    {
        _devices = [1];
        Load("m");
        Assert.Equal([1], Gpus("m"));
        _core.Gone(new DeviceGone(1, "sticky", true));
        Settle();
        Assert.Empty(Gpus("m"));
        Load("n", 2);
        Assert.Equal([2], Gpus("n"));
    }

    [Theory]
    [InlineData("sequence_batching {}", true)]
    [InlineData("dynamic_batching {}", false)]
    public void Only_what_its_configuration_keeps_from_being_served_stays_as_refused_until_it_is_loaded_again(string given, bool refuses)
    {
        using var folder = new ModuleFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "m"));
        folder.Write("m/config.pbtxt", given);
        _configuration = GivenConfiguration.Read(folder.Path, Path.Combine(folder.Path, "m"));
        Array.ForEach(["0", "1", "2"], ordinal => _failures[ordinal] = (FailureKind.NotSupported, "not there"));
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal(
            refuses ? [(ModelState.Unavailable, "not there", true)] : [],
            _core.Snapshot().Select(model => (model.State, model.Reason, model.IsRefused))
        );

        _failures.Clear();
        Load("m");
        Assert.Equal((ModelState.Ready, false), (_core.Snapshot()[0].State, _core.Snapshot()[0].IsRefused));
    }

    [Fact]
    public void A_load_of_several_versions_fails_for_no_device_that_it_is_not_using()
    {
        _further = [2];
        _core.Load(new LoadModel("m"), new Asker("caller"));
        while (!Decisions.Exists(decision => decision.Message is ResolveModel { Load.Number: 2 }))
        {
            StepOnce();
        }

        _core.Gone(new DeviceGone(2, "sticky", true));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal([0, 1], _core.Snapshot().Single(model => model.Model.Number == 2).Gpus.Select(gpu => gpu.Ordinal));
    }

    private List<ModelDecision> Decisions => _recorder.Applied;

    private void Load(string name, params int[] gpus)
    {
        _core.Load(new LoadModel(name, Gpus: gpus), new Asker("load"));
        Assert.IsType<ModelReply.Loaded>(Settle("load"));
    }

    /// <summary>As many loads as may be under way at once, none of which goes on.</summary>
    private void HangLoads()
    {
        for (int i = 0; i < OperationQueue.AtOnce; i++)
        {
            _core.Load(new LoadModel($"hangs-{i}"), new Asker("hangs"));
        }

        _core.Load(new LoadModel("one-more"), new Asker("waits"));
        Assert.Equal(OperationQueue.AtOnce, Decisions.Count(decision => decision.Message is ResolveModel));
    }

    private int[] Gpus(string name) => [.. _core.Snapshot().Single(model => model.Model.Name == name).Gpus.Select(gpu => gpu.Ordinal)];

    /// <summary>Does what builder, executors and GPUs would, until nothing is left to do; the reply to <paramref name="caller"/>, if there
    /// was one.</summary>
    private ModelReply? Settle(string? caller = null)
    {
        ModelReply? reply = null;
        while (Decisions.Count > 0)
        {
            if (StepOnce() is { Reply: { } given } decision && Equals(decision.Asker?.ToString(), caller))
            {
                reply = given;
            }
        }

        return reply;
    }

    private ModelDecision? StepOnce()
    {
        if (Decisions.Count == 0)
        {
            return null;
        }

        ModelDecision decision = Decisions[0];
        Decisions.RemoveAt(0);
        switch (decision.Message)
        {
            case ResolveModel resolve:
                _core.Resolved(
                    new ModelResolved(
                        resolve.Ticket,
                        new ModuleSource(new ModelReference(resolve.Load.Name, resolve.Load.Number ?? 1), resolve.Load.Name)
                        {
                            Devices = _devices,
                            Configuration = _configuration,
                        },
                        resolve.Load.Number is null ? _further : []
                    )
                );
                break;
            case BuildInstance build when _failures.TryGetValue($"{build.Ordinal}", out (FailureKind Kind, string Detail) failure):
                _core.Failed(new BuildFailed(build.Ticket, failure.Kind, failure.Detail));
                break;
            case BuildInstance build:
                IModuleInstance instance = _platform.Load(
                    build.Source,
                    build.Ordinal,
                    new InstanceOptions(),
                    TestContext.Current.CancellationToken
                );
                _core.Built(
                    new InstanceBuilt(build.Ticket, build.Ordinal, instance.Module, instance.Ordinals, new InstanceHandOver(instance))
                );
                break;
            case AdoptInstance adopt:
                IModuleInstance taken = adopt.HandOver.Claim()!;
                _core.Ready(new InstanceReady(new GpuId(Self, taken.HomeOrdinal), adopt.Ticket, taken.Module));
                break;
            case DiscardInstance discard:
                discard.HandOver.Claim()?.Dispose();
                break;
            case UnloadInstance unload:
                foreach (
                    FakeInstance held in _platform.Instances.Where(held =>
                        !held.Disposed && held.HomeOrdinal == decision.Ordinal && held.Module.Model == unload.Model
                    )
                )
                {
                    held.Dispose();
                }

                _core.Gone(new InstanceGone(new GpuId(Self, decision.Ordinal), unload.Model));
                break;
        }

        return decision;
    }

    private sealed class Asker(string name) : IReplyTo<ModelReply>
    {
        public void Answer(ModelReply reply) => throw new InvalidOperationException("The recorder writes it down.");

        public override string ToString() => name;
    }
}
