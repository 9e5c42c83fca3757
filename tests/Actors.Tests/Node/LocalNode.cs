using Akka.Actor;
using Akka.Configuration;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;

namespace Troupe.Actors.Tests.Node;

/// <summary>A node alone on its own actor system, with the shipped configuration.</summary>
internal sealed class LocalNode : IAsyncDisposable
{
    private LocalNode(ActorSystem system, TroupeNode node)
    {
        System = system;
        Node = node;
        Sink = new CountingSink(Memory);
    }

    public ActorSystem System { get; }

    public TroupeNode Node { get; }

    /// <summary>Inputs are on lease from here, and outputs until the sink has noted them; none is left in the end.</summary>
    public HostMemory Memory { get; } = new();

    public CountingSink Sink { get; }

    public static LocalNode Start(
        IPlatform platform,
        Func<TroupeNodeSpec, TroupeNodeSpec>? change = null,
        string profile = "akka.loglevel = OFF\nakka.stdout-loglevel = OFF"
    )
    {
        Config shipped = ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon")));
        var system = ActorSystem.Create("troupe", ConfigurationFactory.ParseString(profile).WithFallback(shipped));
        var spec = new TroupeNodeSpec
        {
            Platform = platform,
            Repository = new AnyPath(),
            SnapshotInterval = TimeSpan.FromMilliseconds(20),
            DeviceDrainBound = TimeSpan.FromSeconds(1),
        };
        return new LocalNode(system, TroupeNode.Start(system, change?.Invoke(spec) ?? spec));
    }

    /// <summary>Loads a fake model, or fails the test.</summary>
    public async Task<ModelReply.Loaded> Load(string name = "double", int? number = null, string? path = null, params int[] gpus)
    {
        ModelReply reply = await LoadAny(name, number, path, gpus);
        return Assert.IsType<ModelReply.Loaded>(reply);
    }

    public async Task<ModelReply> LoadAny(string name = "double", int? number = null, string? path = null, params int[] gpus)
    {
        await Eventually(() => Node.View.Nodes.Count > 0 && Node.View.Nodes[0].Gpus.All(gpu => gpu.Health != GpuHealth.Starting));
        return await Node.LoadAsync(new LoadModel(name, number, path, gpus), null, TestContext.Current.CancellationToken);
    }

    public RequestId Send(string model = "double", byte value = 21, int? gpu = null, TimeSpan? timeLeft = null, int bytes = 1)
    {
        Forward forward = new()
        {
            Id = Node.NextRequestId(),
            Model = new ModelReference(model),
            Inputs = [Leased(value, bytes)],
            Gpu = gpu is { } ordinal ? new GpuId(Node.Id, ordinal) : null,
            TimeLeft = timeLeft ?? Forward.DefaultTimeLeft,
        };
        Node.Forward(forward, Sink);
        return forward.Id;
    }

    private Tensor Leased(byte value, int bytes)
    {
        TensorLease lease = Memory.Lease(bytes);
        lease.GetSpan().Fill(value);
        return new Tensor("x", ElementType.UInt8, new TensorShape(bytes), new TensorPayload.Leased(lease, bytes));
    }

    public async Task<ForwardReply> Ask(string model = "double", byte value = 21, int? gpu = null) =>
        await Sink.Reply(Send(model, value, gpu));

    public async Task<ForwardReply.Succeeded> MustSucceed(string model = "double", byte value = 21, int? gpu = null)
    {
        ForwardReply reply = await Ask(model, value, gpu);
        ForwardReply.Succeeded succeeded = Assert.IsType<ForwardReply.Succeeded>(reply);
        Assert.Equal((byte)(value * 2), succeeded.Outputs[0].Data.Span[0]);
        return succeeded;
    }

    public static async Task Eventually(Func<bool> condition)
    {
        using var bound = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        bound.CancelAfter(TimeSpan.FromSeconds(20));
        using var period = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (!condition())
        {
            await period.WaitForNextTickAsync(bound.Token);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Node.DisposeAsync();
        await System.Terminate();
        HostMemorySnapshot left = Memory.Snapshot();
        Assert.Equal((0, 0), (left.Leases, left.Forgotten));
    }

    /// <summary>A repository in which every model exists: its path is its name unless the load names one.</summary>
    private sealed class AnyPath : IModelRepository
    {
        public IReadOnlyList<ModelReference> List() => [];

        public ModuleSource Resolve(LoadModel load) => new(new ModelReference(load.Name, load.Number ?? 1), load.Path ?? load.Name);
    }
}
