using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Emulated;

/// <summary>Counts an engine's execution contexts, because some of its settings change only while there is none.</summary>
/// <remarks><b>Thread</b> any.</remarks>
internal sealed class ContextCount(string engine)
{
    private int _count;

    public void Add() => Interlocked.Increment(ref _count);

    public void Remove() => Interlocked.Decrement(ref _count);

    /// <param name="what">What is to change.</param>
    /// <exception cref="ForwardException">A context exists.</exception>
    public void RefuseAny(string what)
    {
        if (Volatile.Read(ref _count) is int contexts and > 0)
        {
            throw new ForwardException(
                FailureKind.Internal,
                $"'{engine}' still has {contexts} execution contexts; {what} cannot change while one exists."
            );
        }
    }
}
