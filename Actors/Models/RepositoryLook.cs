namespace Troupe.Actors.Models;

/// <summary>What model repositories look like at one moment. Immutable.</summary>
/// <param name="Models">By name, what is changed by whatever changes in the model's folder.</param>
/// <param name="Unreadable">By name, why a model's folder cannot be read.</param>
public sealed record RepositoryLook(IReadOnlyDictionary<string, string> Models, IReadOnlyDictionary<string, string> Unreadable);
