using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Plans;

/// <summary>Splits a module's weight budget over its engines, in proportion to what each can stream.</summary>
internal static class WeightShares
{
    /// <summary>Bytes per engine; their sum is the budget, clamped to what is streamable.</summary>
    /// <exception cref="ForwardException">Nothing is streamable or the budget is negative (texts of torch_tensorrt).</exception>
    public static long[] Of(WeightBudget budget, ReadOnlySpan<long> streamable)
    {
        long total = 0;
        foreach (long bytes in streamable)
        {
            total = checked(total + bytes);
        }

        if (total == 0)
        {
            throw new ForwardException(FailureKind.NotSupported, ModeConflicts.NothingStreamable);
        }

        long wanted =
            budget.Kind == WeightBudgetKind.Fraction ? (long)(Math.Min(budget.Share, 1) * total) : Math.Min(budget.ByteCount, total);
        if (wanted < 0)
        {
            throw new ForwardException(FailureKind.InvalidRequest, ModeConflicts.NegativeBudget);
        }

        // Running totals are rounded, not shares: so the shares add up to exactly what was asked for.
        long[] shares = new long[streamable.Length];
        long seen = 0,
            given = 0;
        for (int index = 0; index < shares.Length; index++)
        {
            seen += streamable[index];
            long upTo = (long)((Int128)wanted * seen / total);
            shares[index] = upTo - given;
            given = upTo;
        }

        return shares;
    }
}
