using Troupe.Actors.Tests.Decisions;

namespace Troupe.Actors.Tests.Simulation;

/// <summary>Decisions whose application throws, drawn by seed; never two near each other, so that what is told once more arrives.</summary>
internal sealed class RandomFaults(Random random)
{
    private const int Pause = 200;

    private int _sinceLast;

    /// <summary>Of applications, outside the pauses.</summary>
    public double Share { get; set; }

    public void Pass()
    {
        if (++_sinceLast > Pause && Share > 0 && random.NextDouble() < Share)
        {
            _sinceLast = 0;
            throw new InvalidOperationException(Plant.Reason);
        }
    }
}
