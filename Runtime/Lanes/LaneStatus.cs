namespace Troupe.Runtime.Lanes;

/// <summary>What became of a submission so far.</summary>
public enum LaneStatus
{
    Pending,
    Succeeded,
    Failed,
}
