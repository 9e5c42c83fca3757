namespace Troupe.Messages.Forwarding;

/// <summary>What a forward's caller waits for.</summary>
public enum ForwardClass
{
    /// <summary>A class that a later version added: it is taken as online.</summary>
    Unknown = -1,

    /// <summary>Somebody waits for this answer: what counts is how soon it comes.</summary>
    Online = 0,

    /// <summary>One of many, for whoever waits for the last of them: what counts is how many are done. It runs when nothing online waits
    /// for its device.</summary>
    Batch = 1,
}
