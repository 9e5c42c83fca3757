using System.Runtime.InteropServices;
using Troupe.Actors.Forwards;

namespace Troupe.Actors.Gpu;

/// <summary>A launch whose forwards have not all ended, with the results so far.</summary>
/// <remarks><b>Owns</b> the results until they are taken. <b>Thread</b> the executor's, which uses it again for the next
/// launch.</remarks>
internal sealed class OpenLaunch
{
    private ForwardResult[] _results = [];
    private int _open;

    public Launch Launch { get; private set; } = null!;

    public void Begin(Launch launch)
    {
        Launch = launch;
        _results = new ForwardResult[launch.Forwards.Length];
        _open = _results.Length;
    }

    /// <summary>Notes the result of one forward; true when it was the last.</summary>
    public bool End(int index, in ForwardResult result)
    {
        _results[index] = result;
        return --_open == 0;
    }

    /// <summary>It will not be closed: leases of the results so far end.</summary>
    public void Abandon()
    {
        foreach (ForwardResult result in _results)
        {
            result.Release();
        }

        _results = [];
    }

    /// <summary>The completion, once every forward has its result; the results are its own from here on.</summary>
    public LaunchEnded Close()
    {
        var ended = new LaunchEnded(Launch, ImmutableCollectionsMarshal.AsImmutableArray(_results));
        Launch = null!;
        _results = [];
        return ended;
    }
}
