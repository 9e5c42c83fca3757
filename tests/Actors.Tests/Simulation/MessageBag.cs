namespace Troupe.Actors.Tests.Simulation;

/// <summary>The messages under way in a simulated cluster: delivered one at a time, in an order drawn by seed, in order only between one
/// sender and one receiver, as Akka promises.</summary>
internal sealed class MessageBag(Random random)
{
    private readonly Dictionary<(object From, object To), Queue<Action>> _channels = [];
    private readonly List<(object From, object To)> _ready = [];

    public bool Empty => _ready.Count == 0;

    /// <summary>Share of messages between nodes that get lost.</summary>
    public double Loss { get; set; }

    public void Send(object from, object to, Action deliver, bool lossy = false)
    {
        if (lossy && random.NextDouble() < Loss)
        {
            return;
        }

        if (!_channels.TryGetValue((from, to), out Queue<Action>? channel))
        {
            _channels.Add((from, to), channel = new Queue<Action>());
        }

        channel.Enqueue(deliver);
        if (channel.Count == 1)
        {
            _ready.Add((from, to));
        }
    }

    /// <summary>Delivers the oldest message of a channel drawn by lot; false when there is none.</summary>
    public bool DeliverOne()
    {
        if (Empty)
        {
            return false;
        }

        int at = random.Next(_ready.Count);
        Queue<Action> channel = _channels[_ready[at]];
        Action deliver = channel.Dequeue();
        if (channel.Count == 0)
        {
            _ready.RemoveAt(at);
        }

        deliver();
        return true;
    }
}
