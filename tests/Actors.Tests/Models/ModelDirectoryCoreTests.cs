using System.Globalization;
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
    private ModelDirectoryCore _core;
    private readonly Dictionary<string, (FailureKind Kind, string Detail)> _failures = [];
    private ModelSnapshot? _elsewhere;
    private int[] _further = [];
    private Action<BuildInstance>? _onBuild;
    private int[]? _devices;
    private string _written = "";
    private GivenConfiguration? _configuration;
    private List<ModelDecision>? _draining;

    public ModelDirectoryCoreTests()
    {
        _core = new ModelDirectoryCore(Self, _ => _elsewhere is { } other ? [other] : [], _recorder.Queue);
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
        Assert.Equal([("m/1", failed.Detail)], Failures());
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
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(reply);
        Assert.Equal(FailureKind.DeviceLost, failed.Kind);
        Assert.Equal([("m/1", failed.Detail)], Failures());
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
        Assert.Equal(
            [("m/1", ModelState.Unavailable, "unloaded"), ("m/2", ModelState.Unavailable, "unloaded")],
            _core.Snapshot().Select(model => (model.Model.ToString(), model.State, model.Reason))
        );
        Assert.Empty(Failures());
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
        Assert.Equal([("m/1", "full"), ("m/2", "full")], Failures());
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
    public void Only_what_its_configuration_keeps_from_being_served_is_refused_and_no_failure(string given, bool refuses)
    {
        using var folder = new ModuleFolder();
        Directory.CreateDirectory(Path.Combine(folder.Path, "m"));
        folder.Write("m/config.pbtxt", given);
        _configuration = GivenConfiguration.Read(folder.Path, Path.Combine(folder.Path, "m"));
        Array.ForEach(["0", "1", "2"], ordinal => _failures[ordinal] = (FailureKind.NotSupported, "not there"));
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal(
            [(ModelState.Unavailable, "not there", refuses, !refuses)],
            _core.Snapshot().Select(model => (model.State, model.Reason, model.IsRefused, model.HasFailed))
        );

        _failures.Clear();
        Load("m");
        Assert.Equal((ModelState.Ready, false), (_core.Snapshot()[0].State, _core.Snapshot()[0].IsRefused));
    }

    [Fact]
    public void A_failure_stands_until_the_version_is_loaded_and_no_unload_clears_it()
    {
        _failures["0"] = (FailureKind.InvalidModel, "no graph");
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Settle();
        _core.Unload(new UnloadModel("m"), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal([("m/1", "no graph")], Failures());
        _failures["0"] = (FailureKind.InvalidModel, "no weights");
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Settle();
        Assert.Equal([("m/1", "no weights")], Failures());
        _failures.Clear();
        Load("m");
        Assert.Equal((ModelState.Ready, ""), (_core.Snapshot()[0].State, _core.Snapshot()[0].Reason));
    }

    [Fact]
    public void What_a_node_itself_asks_for_no_longer_has_not_failed_there()
    {
        Load("other");
        _failures["0"] = (FailureKind.InvalidModel, "no graph");
        _core.Load(new LoadModel("m"), new Asker("caller"), isOwn: true);
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        _core.Unload(new UnloadModel("m"), new Asker("unload"), isOwn: true);
        Assert.IsType<ModelReply.Unloaded>(Settle("unload"));
        Assert.Equal(["other"], _core.Snapshot().Select(model => model.Model.Name));
        _core.Unload(new UnloadModel("m"), new Asker("unload"), isOwn: true);
        Assert.Equal(FailureKind.NotFound, Assert.IsType<ModelReply.Failed>(Settle("unload")).Kind);
        _failures.Clear();
        Load("m");
    }

    [Fact]
    public void A_load_that_fails_leaves_a_version_that_is_served_as_it_is()
    {
        Load("m");
        _failures["0"] = (FailureKind.InvalidModel, "no graph");
        _core.Load(new LoadModel("m"), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.Empty(Failures());
    }

    [Theory]
    [InlineData(false, null, 0)]
    [InlineData(false, 3, 3)]
    [InlineData(true, null, 1)]
    [InlineData(true, 3, 3)]
    public void A_load_that_ends_before_its_files_are_had_stands_where_a_version_was_found_or_the_node_itself_asks(
        bool isOwn,
        int? found,
        int expected
    )
    {
        _core.Load(new LoadModel("m"), new Asker("caller"), isOwn);
        var resolve = (ResolveModel)Decisions[0].Message!;
        _core.Failed(
            new BuildFailed(resolve.Ticket, FailureKind.InvalidModel, "no file")
            {
                Version = found is { } number ? new ModuleSource(new ModelReference("m", number), "") : null,
            }
        );
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal(expected == 0 ? [] : [($"m/{expected}", "no file")], Failures());
    }

    [Fact]
    public void A_version_without_its_files_keeps_no_other_version_from_being_loaded()
    {
        _core.Load(new LoadModel("m"), new Asker("caller"));
        var resolve = (ResolveModel)Decisions[0].Message!;
        _core.Failed(
            new BuildFailed(resolve.Ticket, FailureKind.NotFound, "no file")
            {
                Version = new ModuleSource(new ModelReference("m", 1), ""),
                Further = [2],
            }
        );
        Assert.Equal("no file", Assert.IsType<ModelReply.Failed>(Settle("caller")).Detail);
        Assert.Equal([("m/1", "no file")], Failures());
        Assert.Equal(ModelState.Ready, _core.Snapshot()[1].State);
    }

    [Fact]
    public void Of_very_many_ends_the_first_are_forgotten()
    {
        _failures["0"] = (FailureKind.InvalidModel, "no graph");
        for (int i = 0; i <= ModelResidency.MostEnded; i++)
        {
            _core.Load(new LoadModel($"m{i}"), null);
            Settle();
        }

        Assert.Equal(ModelResidency.MostEnded, Failures().Count());
        Assert.DoesNotContain("m0/1", Failures().Select(failure => failure.Model));
    }

    [Fact]
    public void A_restore_that_waited_behind_an_unload_brings_nothing_back()
    {
        Load("m", 1);
        _core.Unload(new UnloadModel("m"), new Asker("caller"));
        _core.Gone(new DeviceGone(1, "a crash", false));
        _core.Ready([1]);
        Settle();
        Assert.Equal("unloaded", Assert.Single(_core.Snapshot()).Reason);
        Assert.Equal(0, _platform.Live);
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

    [Fact]
    public void Files_that_loads_bring_along_are_held_within_a_bound()
    {
        var core = new ModelDirectoryCore(Self, _ => [], _recorder.Queue) { MaxHeldBytes = 10 };
        core.Ready([0]);
        core.Load(new LoadModel("m"), Given(6), new Asker("caller"));
        core.Load(new LoadModel("n"), Given(5), new Asker("caller"));
        Assert.Equal(
            "The files that loads brought along take 6 of 10 bytes (--max-request-memory), and 5 more are needed. Unload a model, or put the files into the model repository.",
            Assert.IsType<ModelReply.Failed>(Decisions[^1].Reply).Detail
        );
        var resolve = (ResolveModel)Decisions[0].Message!;
        core.Failed(new BuildFailed(resolve.Ticket, FailureKind.InvalidModel, "no graph"));
        core.Load(new LoadModel("n"), Given(10), new Asker("caller"));
        Assert.Equal("n", Assert.IsType<ResolveModel>(Decisions[^1].Message).Load.Name);
    }

    [Fact]
    public void What_a_load_brings_along_counts_once_with_its_configuration_until_no_version_can_be_loaded_of_it_again()
    {
        _core = new ModelDirectoryCore(Self, _ => [], _recorder.Queue) { MaxHeldBytes = 10 };
        _core.Ready([0]);
        _further = [2];
        _core.Load(new LoadModel("m"), Given(4, configuration: 2), new Asker("caller"));
        while (!_core.Snapshot().Any(model => model.Model.Number == 2))
        {
            StepOnce();
        }

        Assert.Equal(6, Held());
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal(6, Held());
        _core.Unload(new UnloadModel("m", 1), null);
        Settle();
        Assert.Equal(6, Held());
        _failures["0"] = (FailureKind.OutOfDeviceMemory, "full");
        _core.Gone(new DeviceGone(0, "a crash", ForGood: false));
        _core.Ready([0]);
        Settle();
        Assert.Equal(ModelState.Unavailable, _core.Snapshot()[1].State);
        Assert.Equal(0, Held());

        long Held()
        {
            _core.Load(new LoadModel("n"), Given(11), new Asker("asks"));
            string detail = Assert.IsType<ModelReply.Failed>(Decisions[^1].Reply).Detail;
            Decisions.RemoveAt(Decisions.Count - 1);
            return long.Parse(detail.Split(" take ")[1].Split(' ')[0], CultureInfo.InvariantCulture);
        }
    }

    private static GivenModel Given(int bytes, int configuration = 0) =>
        new(new byte[configuration], new Dictionary<string, ReadOnlyMemory<byte>> { ["1/model.onnx"] = new byte[bytes] });

    [Fact]
    public void Other_content_under_a_live_number_is_refused_unless_the_load_says_what_it_replaces()
    {
        Load("m");
        ContentHash old = Content("m");
        _core.Load(new LoadModel("m", Path: "other"), new Asker("caller"));
        ModelReply.Failed refused = Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal(FailureKind.AlreadyExists, refused.Kind);
        Assert.Contains(old.ToString(), refused.Detail, StringComparison.Ordinal);
        _core.Load(new LoadModel("m", Path: "other", Replaces: [new ContentHash(1, 2, 3, 4)]), new Asker("caller"));
        Assert.Equal(FailureKind.AlreadyExists, Assert.IsType<ModelReply.Failed>(Settle("caller")).Kind);
        Assert.Equal((old, 3), (Content("m"), _platform.Live));
        Assert.Empty(Failures());
    }

    [Fact]
    public void A_reload_serves_the_older_content_until_the_newer_is_on_every_device_and_then_lets_it_go()
    {
        Load("m");
        ContentHash old = Content("m");
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        List<string> told = [];
        ModelReply? reply = null;
        while (Decisions.Count > 0)
        {
            ModelDecision decision = StepOnce()!.Value;
            reply ??= decision.Reply;
            told.Add(
                decision.Message is UnloadInstance unload ? $"unload {unload.Model.Hash == old}"
                : reply is null ? ""
                : "answered"
            );
            if (reply is null && !Decisions.Exists(next => next.Reply is not null))
            {
                Assert.Equal((old, ModelState.Ready, 3), (Content("m"), _core.Snapshot()[0].State, Gpus("m").Length));
            }
        }

        Assert.IsType<ModelReply.Loaded>(reply);
        Assert.Equal(["answered", "unload True", "unload True", "unload True"], told.Where(what => what.Length > 0).Take(4));
        Assert.NotEqual(old, Content("m"));
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.Equal((1, 3), (_core.Snapshot()[0].Generation, _platform.Live));
        Assert.True(_core.IsIdle);
    }

    [Theory]
    [InlineData("1", FailureKind.InvalidModel)]
    [InlineData("1", FailureKind.OutOfDeviceMemory)]
    [InlineData("0", FailureKind.OutOfDeviceMemory)]
    [InlineData("2", FailureKind.NotSupported)]
    public void A_reload_that_fails_on_a_device_leaves_the_older_content_as_it_was(string ordinal, FailureKind kind)
    {
        Load("m");
        ContentHash old = Content("m");
        _failures[ordinal] = (kind, "no");
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        Assert.Equal(
            (kind, "no"),
            Assert.IsType<ModelReply.Failed>(Settle("caller")) is var failed ? (failed.Kind, failed.Detail) : default
        );
        Assert.Equal((old, ModelState.Ready, 3), (Content("m"), _core.Snapshot()[0].State, _platform.Live));
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.Empty(Failures());
        _failures.Clear();
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
    }

    [Fact]
    public void A_reload_goes_on_without_a_device_that_is_lost_meanwhile_and_a_rebuilt_one_gets_the_newer_content()
    {
        Load("m");
        ContentHash old = Content("m");
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        while (!Decisions.Exists(decision => decision.Message is BuildInstance { Ordinal: 1 }))
        {
            StepOnce();
        }

        _core.Gone(new DeviceGone(1, "a crash", ForGood: false));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.NotEqual(old, Content("m"));
        Assert.Equal([0, 2], Gpus("m"));
        Assert.Equal([new GpuId(Self, 1)], _core.Snapshot()[0].Awaited!);
        ContentHash newer = Content("m");
        _core.Ready([1]);
        Settle();
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.Equal((newer, 3), (Content("m"), _core.Snapshot()[0].Gpus.Length));
    }

    [Fact]
    public void A_device_that_is_being_rebuilt_when_a_reload_begins_gets_the_newer_content_once_it_is_back()
    {
        Load("m");
        _core.Gone(new DeviceGone(1, "a crash", ForGood: false));
        Settle();
        _core.Load(new LoadModel("m", Path: "other", Replaces: [Content("m")]), new Asker("caller"));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal([new GpuId(Self, 1)], _core.Snapshot()[0].Awaited!);
        ContentHash newer = Content("m");
        _core.Ready([1]);
        Settle();
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.Equal(newer, Content("m"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_device_that_comes_back_while_a_reload_is_under_way_gets_the_newer_content_with_the_others(bool isLostDuring)
    {
        Load("m");
        ContentHash old = Content("m");
        if (!isLostDuring)
        {
            _core.Gone(new DeviceGone(0, "a crash", ForGood: false));
            Settle();
        }

        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        while (!Decisions.Exists(decision => decision.Message is BuildInstance { Ordinal: 2 }))
        {
            StepOnce();
        }

        if (isLostDuring)
        {
            _core.Gone(new DeviceGone(0, "a crash", ForGood: false));
        }

        _core.Ready([0]);
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.NotEqual(old, Content("m"));
        Assert.Equal([0, 1, 2], Gpus("m"));
        Assert.True(_core.IsIdle);
    }

    [Fact]
    public void A_reload_to_content_whose_last_forwards_are_not_done_waits_for_them()
    {
        Load("m");
        ContentHash old = Content("m");
        _draining = [];
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("there"));
        Assert.IsType<ModelReply.Loaded>(Settle("there"));
        _core.Load(new LoadModel("m", Replaces: [Content("m")]), new Asker("back"));
        Assert.Null(Settle("back"));
        Assert.Equal((false, 6), (_core.IsIdle, _platform.Live));
        Drain();
        Assert.IsType<ModelReply.Loaded>(Settle("back"));
        Assert.Equal((old, 3), (Content("m"), _platform.Live));
        Assert.True(_core.IsIdle);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_load_that_is_tried_again_waits_until_what_the_failed_one_brought_is_gone(bool isReload)
    {
        ContentHash[] replaced = [];
        if (isReload)
        {
            Load("m");
            replaced = [Content("m")];
        }

        int before = _platform.Live;
        _failures["2"] = (FailureKind.InvalidModel, "no");
        _draining = [];
        _core.Load(new LoadModel("m", Path: "other", Replaces: replaced), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        _failures.Clear();
        _core.Load(new LoadModel("m", Path: "other", Replaces: replaced), new Asker("again"));
        Assert.Null(Settle("again"));
        Assert.Equal(before + 2, _platform.Live);
        Drain();
        Assert.IsType<ModelReply.Loaded>(Settle("again"));
        Assert.Equal(3, _platform.Live);
    }

    [Fact]
    public void An_unload_lets_go_at_once_and_is_answered_when_older_content_is_gone_too()
    {
        Load("m");
        _draining = [];
        _core.Load(new LoadModel("m", Path: "other", Replaces: [Content("m")]), new Asker("caller"));
        Settle();
        List<ModelDecision> older = _draining;
        _draining = null;
        _core.Unload(new UnloadModel("m"), new Asker("unload"));
        Assert.Null(Settle("unload"));
        Assert.Equal(3, _platform.Live);
        _draining = older;
        Drain();
        Assert.IsType<ModelReply.Unloaded>(Settle("unload"));
        Assert.Equal((0, true), (_platform.Live, _core.IsIdle));
    }

    [Fact]
    public void A_device_that_is_lost_holds_nothing_that_anything_waits_for_and_gets_its_model_back_while_others_wait()
    {
        Load("m");
        ContentHash old = Content("m");
        _draining = [];
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        Settle();
        _core.Load(new LoadModel("m", Replaces: [Content("m")]), new Asker("back"));
        _core.Gone(new DeviceGone(1, "a crash", ForGood: false));
        _core.Ready([1]);
        Assert.Null(Settle("back"));
        Assert.Equal([0, 1, 2], Gpus("m"));
        _core.Gone(new DeviceGone(0, "a crash", ForGood: false));
        Assert.Null(Settle("back"));
        _core.Gone(new DeviceGone(2, "a crash", ForGood: false));
        Assert.IsType<ModelReply.Loaded>(Settle("back"));
        Assert.Equal((old, 1), (Content("m"), Gpus("m").Length));
    }

    [Fact]
    public void A_reload_of_some_devices_only_is_refused_for_the_others_would_lose_the_model()
    {
        Load("m");
        ContentHash old = Content("m");
        _core.Load(new LoadModel("m", Path: "other", Gpus: [1], Replaces: [old]), new Asker("caller"));
        Assert.Contains("on device 0, 2 too", Assert.IsType<ModelReply.Failed>(Settle("caller")).Detail, StringComparison.Ordinal);
        Assert.Equal((old, 3), (Content("m"), _platform.Live));
    }

    [Fact]
    public void Files_that_change_while_they_are_loaded_on_one_device_after_another_are_no_version()
    {
        _onBuild = build => _written = build.Ordinal == 2 ? " written to" : "";
        _core.Load(new LoadModel("m"), new Asker("caller"));
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.StartsWith("The files of 'm/1' changed while it was loaded", failed.Detail, StringComparison.Ordinal);
        Assert.Equal((1, 0), (Failures().Count(), _platform.Live));

        _onBuild = null;
        _written = "";
        Load("m");
        ContentHash old = Content("m");
        _onBuild = build => _written = build.Ordinal == 2 ? " written to" : "";
        _core.Load(new LoadModel("m", Path: "other", Replaces: [old]), new Asker("caller"));
        Assert.IsType<ModelReply.Failed>(Settle("caller"));
        Assert.Equal((old, 3), (Content("m"), _platform.Live));
    }

    [Fact]
    public void A_load_of_a_whole_model_unloads_what_it_replaces_and_does_not_load_again()
    {
        Load("m");
        _core.Load(new LoadModel("m", 2, Path: "two"), null);
        _core.Load(new LoadModel("m", 7, Path: "seven"), null);
        Settle();
        ContentHash[] known = [.. _core.Snapshot().Where(model => model.Model.Number != 7).Select(model => model.Model.Hash)];
        _further = [];
        _core.Load(new LoadModel("m", Replaces: known), new Asker("caller"));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal(["m/1 Ready", "m/2 Unavailable", "m/7 Ready"], _core.Snapshot().Select(model => $"{model.Model} {model.State}"));
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData("newer", null)]
    public void A_load_of_a_path_or_of_named_devices_unloads_no_other_version(string? path, int? gpu)
    {
        _core.Load(new LoadModel("m", 7, Path: "seven"), null);
        Settle();
        _core.Load(
            new LoadModel("m", Path: path, Gpus: gpu is { } ordinal ? [ordinal] : null, Replaces: [Content("m")]),
            new Asker("caller")
        );
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal(["m/1 Ready", "m/7 Ready"], _core.Snapshot().Select(model => $"{model.Model} {model.State}"));
    }

    [Fact]
    public void Content_that_other_nodes_have_is_of_their_generation_and_other_content_is_newer_than_theirs()
    {
        Load("x");
        ModelSnapshot x = _core.Snapshot()[0];
        _elsewhere = x with { Model = x.Model with { Name = "m" }, Generation = 4 };
        _core.Load(new LoadModel("m", Path: "other", Replaces: [x.Model.Hash]), new Asker("caller"));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal(5, _core.Snapshot().Single(model => model.Model.Name == "m").Generation);
        ContentHash other = Content("m");
        _core.Load(new LoadModel("m", Path: "x", Replaces: [other]), new Asker("caller"));
        Assert.IsType<ModelReply.Loaded>(Settle("caller"));
        Assert.Equal((x.Model.Hash, 4), (Content("m"), _core.Snapshot().Single(model => model.Model.Name == "m").Generation));
    }

    private ContentHash Content(string name) => _core.Snapshot().First(model => model.Model.Name == name).Model.Hash;

    private IEnumerable<(string Model, string Reason)> Failures() =>
        _core.Snapshot().Where(model => model.HasFailed).Select(model => (model.Model.ToString(), model.Reason));

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

    /// <summary>The last forwards of what is to be let go are done.</summary>
    private void Drain()
    {
        Decisions.InsertRange(0, _draining!);
        _draining = null;
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
                        new ModuleSource(
                            new ModelReference(resolve.Load.Name, resolve.Load.Number ?? 1),
                            resolve.Load.Path ?? resolve.Load.Name
                        )
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
                _onBuild?.Invoke(build);
                IModuleInstance instance = _platform.Load(
                    build.Source with
                    {
                        Path = build.Source.Path + _written,
                    },
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
            case UnloadInstance when _draining is not null:
                _draining.Add(decision);
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
