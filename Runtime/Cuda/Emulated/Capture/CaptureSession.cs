using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Cuda.Emulated.Capture;

/// <summary>One running capture: the graph it records, the streams that take part, and whether it is still valid.</summary>
/// <remarks><b>Owns</b> the graph until the capture ends. <b>Thread</b> under <see cref="Gate"/>. <b>Blocks</b> never.</remarks>
internal sealed class CaptureSession(ulong id, CapturePlace origin, CuStreamCaptureMode mode, HostThread thread)
{
    private readonly List<CapturePlace> _places = [];

    public ulong Id { get; } = id;

    /// <summary>The place of the stream that the capture began on.</summary>
    public CapturePlace Origin { get; } = origin;

    public CuStreamCaptureMode Mode { get; } = mode;

    public HostThread Thread { get; } = thread;

    public Lock Gate { get; } = new();

    public EmulatedGraph Graph { get; } = new(origin.Context);

    public bool IsInvalidated { get; private set; }

    public bool IsEnded { get; private set; }

    public void Invalidate() => IsInvalidated = true;

    public void Join(CapturePlace stream, int[] frontier)
    {
        lock (Gate)
        {
            stream.MoveTo(this, frontier);
            _places.Add(stream);
        }
    }

    /// <summary>Records one piece of work behind what its stream stands behind.</summary>
    public void Add(CapturePlace stream, in StreamCommand command)
    {
        lock (Gate)
        {
            Graph.Nodes.Add(new GraphNode(command, stream.Context, stream.Frontier));
            stream.MoveTo(this, [Graph.Nodes.Count - 1]);
        }
    }

    /// <summary>Puts a stream behind more nodes of this capture.</summary>
    public void Merge(CapturePlace stream, int[] nodes)
    {
        lock (Gate)
        {
            stream.MoveTo(this, [.. stream.Frontier.Union(nodes)]);
        }
    }

    /// <summary>True when some stream has recorded work that the origin does not stand behind.</summary>
    public bool HasUnjoinedWork()
    {
        lock (Gate)
        {
            bool[] reached = new bool[Graph.Nodes.Count];
            foreach (int node in Origin.Frontier)
            {
                reached[node] = true;
            }

            for (int i = reached.Length - 1; i >= 0; i--)
            {
                if (!reached[i])
                {
                    return true;
                }

                foreach (int before in Graph.Nodes[i].DependsOn)
                {
                    reached[before] = true;
                }
            }

            return false;
        }
    }

    /// <summary>Lets every stream go; the session records nothing more.</summary>
    public void End()
    {
        lock (Gate)
        {
            IsEnded = true;
            foreach (CapturePlace stream in _places)
            {
                stream.MoveTo(null, []);
            }
        }
    }
}
