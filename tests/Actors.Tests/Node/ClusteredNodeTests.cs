using Akka.Actor;
using Troupe.Actors.Models;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Node;

public sealed class ClusteredNodeTests
{
    [Fact]
    public async Task A_forward_runs_where_the_model_lives_whoever_accepted_it()
    {
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(1));
        LocalNode without = cluster.Nodes[0];
        LocalNode with = cluster.Nodes[1];
        await with.Load();
        await InProcessCluster.Knows(without, with.Node.Id, "double");
        Assert.Equal(with.Node.Id, (await without.MustSucceed()).Report.Gpu.Node);

        // Larger forwards do not travel, and the next small one does.
        ForwardReply.Failed large = Assert.IsType<ForwardReply.Failed>(await without.Sink.Reply(without.Send(bytes: 70_000)));
        Assert.Equal(FailureKind.NotSupported, large.Kind);
        Assert.Contains("70000", large.Detail, StringComparison.Ordinal);
        await without.MustSucceed();
    }

    [Fact]
    public async Task How_a_model_of_another_node_is_configured_is_fetched_from_it()
    {
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(1));
        LocalNode without = cluster.Nodes[0];
        LocalNode with = cluster.Nodes[1];
        ModelVersion model = (await with.Load()).Model;
        await InProcessCluster.Knows(without, with.Node.Id, "double");
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        Assert.Null(without.Node.ConfigurationOf(model));
        ModelConfiguration fetched = (await without.Node.FetchConfigurationAsync(model, cancellation))!;
        Assert.Equal(with.Node.ConfigurationOf(model)!.ToBytes(), fetched.ToBytes());
        Assert.Same(fetched, without.Node.ConfigurationOf(model));
        Assert.Null(await without.Node.FetchConfigurationAsync(model with { Hash = default }, cancellation));
    }

    [Fact]
    public async Task A_node_with_more_models_than_travel_in_one_message_is_known_with_all_of_them()
    {
        const int Count = 400;
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(1));
        LocalNode without = cluster.Nodes[0];
        LocalNode with = cluster.Nodes[1];
        await Task.WhenAll(Enumerable.Range(0, Count).Chunk(OperationQueue.Limit).First().Select(index => with.Load($"m{index}")));
        await Task.WhenAll(Enumerable.Range(OperationQueue.Limit, Count - OperationQueue.Limit).Select(index => with.Load($"m{index}")));
        await LocalNode.Eventually(() =>
            without.Node.View.Nodes.Single(node => node.Node == with.Node.Id).Models.Count(model => model.State == ModelState.Ready)
            == Count
        );
        Assert.Equal(with.Node.Id, (await without.MustSucceed("m0")).Report.Gpu.Node);
        Assert.Equal(with.Node.Id, (await without.MustSucceed($"m{Count - 1}")).Report.Gpu.Node);
        await with.Node.UnloadAsync(new UnloadModel("m0"), null, TestContext.Current.CancellationToken);
        await LocalNode.Eventually(() =>
            without.Node.View.Nodes.Single(node => node.Node == with.Node.Id).Models.Count(model => model.State == ModelState.Ready)
            == Count - 1
        );
    }

    [Fact]
    public async Task A_model_is_loaded_on_another_node_by_request_and_another_content_refused_in_the_cluster()
    {
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), new FakePlatform(2));
        LocalNode here = cluster.Nodes[0];
        NodeId there = cluster.Nodes[1].Node.Id;
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        ModelReply.Loaded loaded = Assert.IsType<ModelReply.Loaded>(
            await here.Node.LoadAsync(new LoadModel("double", Path: "a"), there, cancellation)
        );
        Assert.All(loaded.Gpus, gpu => Assert.Equal(there, gpu.Node));
        await InProcessCluster.Knows(here, there, "double");
        ModelReply.Failed refused = Assert.IsType<ModelReply.Failed>(
            await here.Node.LoadAsync(new LoadModel("double", Path: "b"), null, cancellation)
        );
        Assert.Equal(FailureKind.AlreadyExists, refused.Kind);
        ModelReply.Failed unknown = Assert.IsType<ModelReply.Failed>(
            await here.Node.LoadAsync(new LoadModel("double"), new NodeId("127.0.0.1:1"), cancellation)
        );
        Assert.Equal(FailureKind.NotFound, unknown.Kind);
        Assert.IsType<ModelReply.Unloaded>(await here.Node.UnloadAsync(new UnloadModel("double"), there, cancellation));
    }

    [Fact]
    public async Task A_node_that_leaves_in_order_loses_nothing()
    {
        var leaving = new FakePlatform(1) { CompleteAtOnce = false };
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), leaving);
        LocalNode stays = cluster.Nodes[0];
        LocalNode goes = cluster.Nodes[1];
        await goes.Load();
        await InProcessCluster.Knows(stays, goes.Node.Id, "double");
        RequestId[] ids = [.. Enumerable.Range(0, 8).Select(_ => stays.Send())];
        await LocalNode.Eventually(() => leaving.Instances[0].Busy.Count == 2);
        Task shutdown = CoordinatedShutdown.Get(goes.System).Run(CoordinatedShutdown.ClusterLeavingReason.Instance);
        leaving.CompleteAtOnce = true;
        foreach (FakeLane lane in leaving.Instances[0].Busy)
        {
            lane.Complete();
        }

        foreach (RequestId id in ids)
        {
            Assert.IsType<ForwardReply.Succeeded>(await stays.Sink.Reply(id));
        }

        await shutdown.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await LocalNode.Eventually(() => stays.Node.View.Nodes.Count == 1);
        Assert.Empty(stays.Sink.Twice);
    }

    [Fact]
    public async Task A_node_that_dies_gives_its_forwards_back_to_their_origin_which_goes_on()
    {
        var dying = new FakePlatform(1) { CompleteAtOnce = false };
        await using InProcessCluster cluster = await InProcessCluster.Start(new FakePlatform(1), dying);
        LocalNode stays = cluster.Nodes[0];
        LocalNode dies = cluster.Nodes[1];
        await dies.Load();
        await InProcessCluster.Knows(stays, dies.Node.Id, "double");
        RequestId stranded = stays.Send();
        await LocalNode.Eventually(() => dying.Instances[0].Busy.Count == 1);

        // Without a farewell, as a killed process.
        await ((Akka.Remote.IRemoteActorRefProvider)((ExtendedActorSystem)dies.System).Provider).Transport.Shutdown();
        ForwardReply.Failed failed = Assert.IsType<ForwardReply.Failed>(await stays.Sink.Reply(stranded));
        Assert.Equal(FailureKind.NodeUnreachable, failed.Kind);
        await stays.Load("other");
        await stays.MustSucceed("other");

        // Past downing the survivor still serves.
        await LocalNode.Eventually(() => stays.Node.View is { Nodes.Count: 1, Unreachable.Count: 0 });
        await stays.MustSucceed("other");
        Assert.Empty(stays.Sink.Twice);
    }
}
