namespace Troupe.Runtime.Cuda.Emulated.Execution;

/// <summary>That a step of a timeline touched some bytes.</summary>
internal readonly record struct AccessRecord(ulong Start, ulong End, bool IsWrite, int Timeline, long Step, string What)
{
    public bool Overlaps(ulong start, ulong end) => Start < end && start < End;
}
