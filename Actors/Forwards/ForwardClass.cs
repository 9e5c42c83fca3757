namespace Troupe.Actors.Forwards;

/// <summary>What a forward's caller waits for.</summary>
internal enum ForwardClass : byte
{
    /// <summary>Somebody waits for this answer: what counts is how soon it comes.</summary>
    Online,

    /// <summary>One of many, for whoever waits for the last of them: what counts is how many are done.</summary>
    Batch,
}
