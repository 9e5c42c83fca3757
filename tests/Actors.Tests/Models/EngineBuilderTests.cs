using Akka.Actor;
using Troupe.Actors.Models;
using Troupe.Actors.Tests.Node;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Manifests;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Models;

/// <summary>Loads are side by side and each has a bound: what hangs holds up nothing but itself.</summary>
public sealed class EngineBuilderTests : IDisposable
{
    private readonly FakePlatform _platform = new(1);
    private readonly ManualResetEventSlim _released = new();

    public void Dispose()
    {
        _released.Set();
        _released.Dispose();
    }

    [Fact]
    public async Task A_load_that_hangs_holds_up_neither_other_loads_nor_unloads()
    {
        _platform.OnLoad = Hang;
        await using LocalNode local = LocalNode.Start(_platform);
        Task<ModelReply> hanging = local.LoadAny("hangs");
        await local.Load("good");
        Assert.IsType<ModelReply.Unloaded>(
            await local.Node.UnloadAsync(new UnloadModel("good"), null, TestContext.Current.CancellationToken)
        );
        Assert.False(hanging.IsCompleted);
        _released.Set();
        Assert.IsType<ModelReply.Loaded>(await hanging);
    }

    [Fact]
    public async Task As_many_loads_as_may_run_at_once_may_hang_and_still_a_model_can_be_unloaded()
    {
        await using LocalNode local = LocalNode.Start(_platform);
        await local.Load("good");
        _platform.OnLoad = Hang;
        Task<ModelReply>[] hanging = [.. Enumerable.Range(0, OperationQueue.AtOnce + 1).Select(index => local.LoadAny($"hangs-{index}"))];
        Assert.IsType<ModelReply.Unloaded>(
            await local.Node.UnloadAsync(new UnloadModel("good"), null, TestContext.Current.CancellationToken)
        );
        _released.Set();
        Assert.All(await Task.WhenAll(hanging), reply => Assert.IsType<ModelReply.Loaded>(reply));
    }

    [Fact]
    public async Task A_load_beyond_its_bound_is_given_up_and_what_it_makes_afterwards_is_let_go()
    {
        _platform.OnLoad = Hang;
        await using LocalNode local = LocalNode.Start(_platform, spec => spec with { LoadBound = TimeSpan.FromMilliseconds(100) });
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(await local.LoadAny("hangs"));
        Assert.Equal(FailureKind.DeadlineExceeded, failed.Kind);
        Assert.Equal(
            "Loading 'hangs' from 'hangs' on device 0 took longer than 0.1 s and was given up. See whether its files can be read; a model that needs longer is given it with --load-timeout.",
            failed.Detail
        );
        Assert.Equal(failed.Detail, Assert.Single(local.Node.View.Nodes[0].Models).Reason);

        _platform.OnLoad = null;
        await local.Load("hangs");
        await local.MustSucceed("hangs");
        _released.Set();
        await LocalNode.Eventually(() => _platform.Instances.Count == 2 && _platform.Live == 1);
    }

    [Fact]
    public async Task A_node_on_which_too_many_loads_hang_loads_no_more_and_says_which_hang()
    {
        _platform.OnLoad = Hang;
        await using LocalNode local = LocalNode.Start(_platform, spec => spec with { LoadBound = TimeSpan.FromMilliseconds(20) });
        for (int index = 0; index < EngineBuilderActor.MaxAbandoned; index++)
        {
            Assert.Equal(FailureKind.DeadlineExceeded, Assert.IsType<ModelReply.Failed>(await local.LoadAny($"hangs-{index}")).Kind);
        }

        ModelReply.Failed refused = Assert.IsType<ModelReply.Failed>(await local.LoadAny("one-more"));
        Assert.Equal(FailureKind.QueueFull, refused.Kind);
        Assert.StartsWith("16 loads hang on this node, among them: Loading 'hangs-", refused.Detail, StringComparison.Ordinal);

        _released.Set();
        _platform.OnLoad = null;
        await LocalNode.Eventually(() => _platform.Live == 0 && _platform.Instances.Count == EngineBuilderActor.MaxAbandoned);
        ModelReply last = await local.LoadAny("one-more");
        while (last is ModelReply.Failed { Kind: FailureKind.QueueFull or FailureKind.DeadlineExceeded })
        {
            last = await local.LoadAny("one-more");
        }

        Assert.IsType<ModelReply.Loaded>(last);
    }

    [Fact]
    public async Task A_device_gets_its_model_back_on_a_node_on_which_too_many_loads_hang()
    {
        await using LocalNode local = LocalNode.Start(_platform, spec => spec with { LoadBound = TimeSpan.FromMilliseconds(100) });
        await local.Load("good");
        _platform.OnLoad = Hang;
        for (int index = 0; index < EngineBuilderActor.MaxAbandoned; index++)
        {
            Assert.Equal(FailureKind.DeadlineExceeded, Assert.IsType<ModelReply.Failed>(await local.LoadAny($"hangs-{index}")).Kind);
        }

        int crashes = 1;
        _platform.OnSubmit = _ =>
        {
            if (Interlocked.Exchange(ref crashes, 0) == 1)
            {
                throw new InvalidOperationException("a defect");
            }
        };
        await local.Ask("good");
        Assert.Equal(0, crashes);
        await LocalNode.Eventually(() => _platform.Instances.Count == 2);
        ForwardReply reply = await local.Ask("good");
        while (reply is ForwardReply.Failed { Kind: FailureKind.DeviceLost or FailureKind.ModelNotLoaded })
        {
            reply = await local.Ask("good");
        }

        Assert.IsType<ForwardReply.Succeeded>(reply);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_done_when_the_builder_ends_or_is_restarted_is_answered_once_and_let_go(bool isRestarted)
    {
        await using LocalNode local = LocalNode.Start(_platform);
        var spec = new BuilderSpec(_platform, new FolderModelRepository([], _ => { }), new InstanceOptions(), TimeSpan.FromMinutes(1));
        IActorRef builder = local.System.ActorOf(EngineBuilderActor.Props(spec, CancellationToken.None));
        using var inbox = Inbox.Create(local.System);
        _platform.OnLoad = (_, _) => ((IInternalActorRef)builder).Suspend();
        builder.Tell(new BuildInstance(7, new ModuleSource(new ModelReference("m", 1), "m"), 0), inbox.Receiver);
        await LocalNode.Eventually(() => builder is ActorRefWithCell { Underlying.NumberOfMessages: > 0 } && _platform.Live == 1);
        if (isRestarted)
        {
            ((IInternalActorRef)builder).Restart(new InvalidOperationException("a defect"));
        }
        else
        {
            local.System.Stop(builder);
        }

        BuildFailed failed = Assert.IsType<BuildFailed>(await inbox.ReceiveAsync(TimeSpan.FromSeconds(20)));
        Assert.Equal((7, FailureKind.Cancelled), (failed.Ticket, failed.Kind));
        await LocalNode.Eventually(() => _platform.Live == 0);
        if (isRestarted)
        {
            _platform.OnLoad = null;
            builder.Tell(new BuildInstance(8, new ModuleSource(new ModelReference("m", 1), "m"), 0), inbox.Receiver);
            Assert.Equal(8, Assert.IsType<InstanceBuilt>(await inbox.ReceiveAsync(TimeSpan.FromSeconds(20))).Ticket);
        }
    }

    [Fact]
    public async Task A_device_gets_its_model_back_when_the_files_its_configuration_names_are_gone()
    {
        string repository = Directory.CreateTempSubdirectory("troupe-restored-").FullName;
        try
        {
            string folder = Directory.CreateDirectory(Path.Combine(repository, "double")).FullName;
            Directory.CreateDirectory(Path.Combine(folder, "warmup"));
            File.WriteAllText(Path.Combine(folder, "labels.txt"), "cat\n");
            File.WriteAllText(Path.Combine(folder, "warmup", "x.bin"), "0");
            File.WriteAllText(
                Path.Combine(folder, "config.pbtxt"),
                "output { name: 'y' label_filename: 'labels.txt' } model_warmup { inputs { key: 'x' value { dims: 1 input_data_file: 'x.bin' } } }"
            );
            await using LocalNode local = LocalNode.Start(
                _platform,
                spec => spec with { Repository = new OneConfiguration(GivenConfiguration.Read(repository, folder)!) }
            );
            ModelReply.Loaded loaded = await local.Load();
            File.Delete(Path.Combine(folder, "labels.txt"));
            File.Delete(Path.Combine(folder, "warmup", "x.bin"));

            int crashes = 1;
            _platform.OnSubmit = _ =>
            {
                if (Interlocked.Exchange(ref crashes, 0) == 1)
                {
                    throw new InvalidOperationException("a defect");
                }
            };
            await local.Ask();
            Assert.Equal(0, crashes);
            await LocalNode.Eventually(() => _platform.Instances.Count == 2);
            await LocalNode.Eventually(() => _platform.Instances[0].Disposed && local.Node.View.Nodes[0].Models is [{ Gpus.Length: 1 }]);
            await local.MustSucceed();
            Assert.Equal(["cat"], local.Node.ConfigurationOf(loaded.Model)!.Labels["y"]);
        }
        finally
        {
            Directory.Delete(repository, recursive: true);
        }
    }

    [Fact]
    public void A_step_that_has_ended_leaves_nothing_with_the_nodes_end_and_hears_of_it_before()
    {
        using CancellationTokenSource stopping = new();
        BuilderWork ended = new(ActorRefs.Nobody, "it", stopping.Token);
        ended.Start(() => { });
        Assert.True(ended.Join(TimeSpan.FromSeconds(20)));
        BuilderWork running = new(ActorRefs.Nobody, "it", stopping.Token);
        running.Start(() => running.Cancellation.WaitHandle.WaitOne(TimeSpan.FromSeconds(20)));
        stopping.Cancel();
        Assert.True(running.Join(TimeSpan.FromSeconds(20)));
        Assert.True(running.Cancellation.IsCancellationRequested);
        Assert.False(ended.Cancellation.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true, FailureKind.OutOfDeviceMemory, "The node has no memory left to load the model.")]
    [InlineData(false, FailureKind.Internal, "The load met a defect of the node, which its log describes.")]
    public async Task What_a_load_throws_is_not_shown_to_callers(bool isMemory, FailureKind kind, string detail)
    {
        _platform.OnLoad = (_, _) => throw (isMemory ? new OutOfMemoryException() : new InvalidCastException());
        await using LocalNode local = LocalNode.Start(_platform);
        ModelReply.Failed failed = Assert.IsType<ModelReply.Failed>(await local.LoadAny("m"));
        Assert.Equal((kind, detail), (failed.Kind, failed.Detail));
    }

    [Theory]
    [InlineData(true, false, true)]
    [InlineData(true, true, true)]
    [InlineData(false, false, false)]
    [InlineData(false, true, true)]
    public async Task Models_from_outside_are_tried_and_the_nodes_own_where_that_is_wanted(bool isOutside, bool probesOwn, bool isTried)
    {
        var probe = new RecordingProbe();
        FileDigests? loaded = null;
        _platform.OnLoad = (source, _) => loaded = source.Files;
        await using LocalNode local = LocalNode.Start(_platform, spec => spec with { Probe = probe, ProbesOwn = probesOwn });
        if (isOutside)
        {
            await local.Load("m");
        }
        else
        {
            await LocalNode.Eventually(() => local.Node.View.Nodes is [{ Gpus: [{ Health: GpuHealth.Ready }] }, ..]);
            Assert.IsType<ModelReply.Loaded>(await local.Node.LoadOwnAsync(new LoadModel("m"), TestContext.Current.CancellationToken));
        }

        Assert.Equal(isTried ? ["m"] : [], probe.Tried);
        Assert.Equal(isTried ? probe.Given : null, loaded);
    }

    [Fact]
    public async Task A_model_that_ends_its_trial_is_refused_and_the_next_is_loaded()
    {
        var probe = new RecordingProbe { Refusal = new ModuleLoadException(FailureKind.InvalidModel, "it ended the process") };
        await using LocalNode local = LocalNode.Start(_platform, spec => spec with { Probe = probe });
        ModelReply.Failed refused = Assert.IsType<ModelReply.Failed>(await local.LoadAny("bad"));
        Assert.Equal((FailureKind.InvalidModel, "it ended the process"), (refused.Kind, refused.Detail));
        Assert.Empty(_platform.Instances);
        probe.Refusal = null;
        await local.Load("good");
    }

    private void Hang(ModuleSource source, int ordinal)
    {
        if (source.Model.Name != "good")
        {
            _released.Wait(TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Every model is configured so.</summary>
    private sealed class OneConfiguration(GivenConfiguration configuration) : IModelRepository
    {
        public IReadOnlyList<ModelReference> List() => [];

        public ModuleSource Resolve(LoadModel load) =>
            new(new ModelReference(load.Name, load.Number ?? 1), load.Name) { Configuration = configuration };
    }

    private sealed class RecordingProbe : IModelProbe
    {
        public List<string> Tried { get; } = [];

        public FileDigests Given { get; } = new();

        public ModuleLoadException? Refusal { get; set; }

        public ModuleSource Try(ModuleSource source, CancellationToken cancellation)
        {
            Tried.Add(source.Model.Name);
            return Refusal is null ? source with { Files = Given } : throw Refusal;
        }
    }
}
