using Akka.Actor;
using Troupe.Messages.Failures;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Specs;

namespace Troupe.Actors.Models;

/// <summary>Directory to builder: which file is meant? Answered by <see cref="ModelResolved"/> or <see cref="BuildFailed"/>.</summary>
/// <param name="IsOwn">The node's own settings ask for it, and nobody from outside.</param>
internal sealed record ResolveModel(long Ticket, LoadModel Load, bool IsOwn = false) : IBuilderRequest
{
    /// <summary>What the load brings along; null: nothing.</summary>
    public GivenModel? Given { get; init; }
}

/// <summary>Builder to directory: the files of a load.</summary>
/// <param name="Further">Numbers of the versions that are to be loaded after it.</param>
internal sealed record ModelResolved(long Ticket, ModuleSource Source, IReadOnlyList<int>? Further = null)
    : INoSerializationVerificationNeeded;

/// <summary>Directory to builder: load this on that device. Answered by <see cref="InstanceBuilt"/> or <see cref="BuildFailed"/>.</summary>
/// <param name="IsRestore">The node has served it: it comes back however many loads hang.</param>
internal sealed record BuildInstance(long Ticket, ModuleSource Source, int Ordinal, bool IsRestore = false) : IBuilderRequest
{
    /// <summary>What callers see of a version that is live; null where it is to be read.</summary>
    public ModelConfiguration? Configuration { get; init; }
}

/// <summary>Builder to directory: loaded, and nobody's yet. The directory hands it to the executor or back with
/// <see cref="DiscardInstance"/>.</summary>
/// <param name="Ordinals">Every device its segments lie on.</param>
internal sealed record InstanceBuilt(long Ticket, int Ordinal, ModuleSpec Module, IReadOnlyList<int> Ordinals, InstanceHandOver HandOver)
    : INoSerializationVerificationNeeded
{
    /// <summary>What callers see of it.</summary>
    public ModelConfiguration? Configuration { get; init; }
}

/// <summary>Builder to directory: a step has failed.</summary>
internal sealed record BuildFailed(long Ticket, FailureKind Kind, string Detail) : INoSerializationVerificationNeeded
{
    /// <summary>The version that was found and cannot be had; null where the load did not come that far.</summary>
    public ModuleSource? Version { get; init; }

    /// <summary>Numbers of the versions that are to be loaded after it.</summary>
    public IReadOnlyList<int> Further { get; init; } = [];
}

/// <summary>Directory to builder: dispose of it unless an executor took it.</summary>
internal sealed record DiscardInstance(InstanceHandOver HandOver) : IBuilderRequest;
