namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>What a piece of work is ordered behind: for each timeline (a stream, a branch of an executable graph, the host) the last step
/// that came before it.</summary>
/// <remarks><b>Owns</b> its steps. <b>Thread</b> under the execution's lock. <b>Blocks</b> never.</remarks>
internal sealed class VectorClock
{
    private long[] _steps;

    public VectorClock() => _steps = [];

    private VectorClock(long[] steps) => _steps = steps;

    public VectorClock Copy() => new([.. _steps]);

    public long At(int timeline) => timeline < _steps.Length ? _steps[timeline] : 0;

    public void Set(int timeline, long step)
    {
        if (timeline >= _steps.Length)
        {
            Array.Resize(ref _steps, timeline + 1);
        }

        _steps[timeline] = step;
    }

    /// <summary>Comes to stand behind everything the other stands behind.</summary>
    public void Join(VectorClock other)
    {
        if (other._steps.Length > _steps.Length)
        {
            Array.Resize(ref _steps, other._steps.Length);
        }

        for (int i = 0; i < other._steps.Length; i++)
        {
            _steps[i] = Math.Max(_steps[i], other._steps[i]);
        }
    }
}
