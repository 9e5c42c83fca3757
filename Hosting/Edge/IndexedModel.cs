using Troupe.Messages.Models;

namespace Troupe.Hosting.Edge;

/// <summary>One row of the repository's index; a model that was never loaded has only its name.</summary>
internal sealed record IndexedModel(string Name, int? Number, ModelState? State, string Reason);
