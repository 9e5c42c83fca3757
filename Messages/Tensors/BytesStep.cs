namespace Troupe.Messages.Tensors;

/// <summary>What a step of <see cref="BytesElements"/> found.</summary>
public enum BytesStep
{
    /// <summary>An element.</summary>
    Element,

    /// <summary>Nothing more: the data ended behind the last element.</summary>
    End,

    /// <summary>Fewer bytes than a length has.</summary>
    IncompleteLength,

    /// <summary>Fewer bytes than the element announces.</summary>
    IncompleteElement,
}
