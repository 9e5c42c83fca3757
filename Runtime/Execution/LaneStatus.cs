
namespace Troupe.Runtime.Execution;

/// <summary>What became of a submission so far.</summary>
public enum LaneStatus
{
    Pending,
    Succeeded,
    Failed,
}
