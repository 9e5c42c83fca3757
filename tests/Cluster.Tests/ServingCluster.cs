namespace Troupe.Cluster.Tests;

/// <summary>Some <see cref="ServingNode"/>s with one join list, which names them all.</summary>
internal sealed class ServingCluster : IAsyncDisposable
{
    /// <summary>Unreachable after about 2 s, downed 2 s later: the shipped profile takes 4 and 7.</summary>
    private const string Profile = """
        akka.cluster.failure-detector.heartbeat-interval = 300ms
        akka.cluster.failure-detector.acceptable-heartbeat-pause = 1500ms
        akka.cluster.failure-detector.expected-response-after = 300ms
        akka.cluster.unreachable-nodes-reaper-interval = 300ms
        akka.cluster.gossip-interval = 300ms
        akka.cluster.leader-actions-interval = 300ms
        akka.cluster.seed-node-timeout = 2s
        troupe.downing.stable-after = 2s
        """;

    private readonly string _profile = Path.GetTempFileName();

    /// <param name="models">For each node, whether it has the classifier.</param>
    public ServingCluster(params bool[] models)
        : this(executable: null, models) { }

    /// <param name="repository">Whose models those have that have any.</param>
    public static ServingCluster Of(string repository, params bool[] models) => new(null, models, repository);

    /// <param name="executable">A published executable; null: this build.</param>
    /// <param name="models">For each node, whether it has the classifier.</param>
    public ServingCluster(string? executable, params bool[] models)
        : this(executable, models, repository: null) { }

    private ServingCluster(string? executable, bool[] models, string? repository)
    {
        File.WriteAllText(_profile, Profile);
        int[] ports = [.. models.Select(_ => ServingNode.FreePort())];
        string[] join = [.. ports.Select(port => $"127.0.0.1:{port}")];
        Nodes = [.. models.Select((has, i) => new ServingNode(_profile, ports[i], join, has, executable) { Repository = repository })];
    }

    public ServingNode[] Nodes { get; }

    public async Task Start()
    {
        foreach (ServingNode node in Nodes)
        {
            node.Start();
        }

        foreach (ServingNode node in Nodes)
        {
            await node.Sees(model: true, Nodes);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ServingNode node in Nodes)
        {
            await node.DisposeAsync();
        }

        File.Delete(_profile);
    }
}
