namespace Troupe.Actors.Forwards;

/// <summary>A message that carries tensors on lease: whoever drops it instead of its receiver releases them.</summary>
internal interface IOwnsLeases
{
    void Release();
}
