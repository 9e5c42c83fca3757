using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Runtime.Modes;
using ClusterView = Troupe.Actors.Membership.ClusterView;

namespace Troupe.Actors.Modes;

/// <summary>Whether a request for modes makes sense here and now: well formed, and about places, sessions and tokens that exist.</summary>
internal sealed class ModeRequestCheck(ModeStore store, Func<ClusterView> view)
{
    /// <summary>Null when a change may be put to the GPUs.</summary>
    public ModeRefusal? Change(ModeScope scope, ModeChange change) =>
        Scope(scope) ?? ModeValidation.Change(scope, change) ?? ModeValidation.CacheName(change.RuntimeSettings?.Cache?.Path);

    /// <summary>Null when the scope names what there is, and can be reached.</summary>
    public ModeRefusal? Scope(ModeScope scope)
    {
        if (ModeValidation.Scope(scope) is { } invalid)
        {
            return invalid;
        }

        ClusterView known = view();
        if ((scope.Gpu?.Node ?? scope.Node) is { } node && Node(known, node) is { } absent)
        {
            return absent;
        }

        if (
            scope.Gpu is { } gpu
            && !known.Nodes.Any(snapshot => snapshot.Node == gpu.Node && snapshot.Gpus.Any(device => device.Gpu == gpu))
        )
        {
            return NotFound($"Node {gpu.Node} has no GPU {gpu.Ordinal}; it has {Ordinals(known, gpu.Node)}.");
        }

        return Model(scope) ?? (scope.Session is { } session ? Session(session) : null);
    }

    /// <summary>Null when the scope names no model, or one that is loaded somewhere.</summary>
    public ModeRefusal? Model(ModeScope scope) =>
        scope.Model is { } model && !view().Nodes.Any(snapshot => snapshot.Models.Any(loaded => Names(model, loaded)))
            ? NotFound($"Model '{model}' is not loaded on any node that can be reached; load it first.")
            : null;

    /// <summary>Null when a session is open.</summary>
    public ModeRefusal? Session(SessionId session) =>
        store.Table.Find(session) switch
        {
            null => NotFound($"Session {session} is not known; open one first."),
            { End: not null } => NotFound($"Session {session} is closed."),
            var entry => store.IsLive(entry) ? null : NotFound($"Session {session} is over: its lease has ended."),
        };

    /// <summary>The live entry a token names, or why there is none.</summary>
    public (ModeEntry? Entry, ModeRefusal? Refusal) Token(ModeToken token) =>
        store.Table.Find(token) switch
        {
            null => (null, NotFound($"Token {token} is not known: it is foreign, or its mode has long been over.")),
            { End: { } end } => (null, NotFound($"The mode of token {token} is over: {Words(end.Reason)}.")),
            var entry when !store.IsLive(entry) => (null, NotFound($"The mode of token {token} is over: its lease has ended.")),
            var entry => (entry, null),
        };

    /// <summary>Whether a GPU of this node is touched by a change at this scope: it lies in it, and where the scope names a model, it has
    /// it.</summary>
    public bool Touches(ModeScope scope, GpuId gpu) =>
        (scope.Node is not { } node || node == gpu.Node)
        && (scope.Gpu is not { } only || only == gpu)
        && (scope.Model is not { } model || Resident(gpu).Any(loaded => Names(model, loaded)));

    /// <summary>How many models a GPU has.</summary>
    public int Residents(GpuId gpu) => Resident(gpu).Count();

    private IEnumerable<ModelSnapshot> Resident(GpuId gpu) =>
        view()
            .Nodes.Where(snapshot => snapshot.Node == gpu.Node)
            .SelectMany(snapshot => snapshot.Models)
            .Where(model => model.Gpus.Contains(gpu));

    private static bool Names(ModelReference reference, ModelSnapshot loaded) =>
        reference.Name == loaded.Model.Name
        && (reference.Number is not { } number || number == loaded.Model.Number)
        && loaded.State == ModelState.Ready;

    private static ModeRefusal? Node(ClusterView known, NodeId node) =>
        known.Unreachable.Contains(node) ? new ModeRefusal(FailureKind.NodeUnreachable, $"Node {node} cannot be reached.")
        : known.Nodes.Any(snapshot => snapshot.Node == node) ? null
        : NotFound($"Node {node} is not a member of this cluster.");

    private static string Ordinals(ClusterView known, NodeId node)
    {
        GpuSnapshot[] gpus = known.Nodes.FirstOrDefault(snapshot => snapshot.Node == node)?.Gpus ?? [];
        return gpus.Length == 0 ? "none" : string.Join(", ", gpus.Select(device => device.Gpu.Ordinal));
    }

    private static string Words(ModeEndReason reason) =>
        reason switch
        {
            ModeEndReason.Unknown => "it was ended",
            ModeEndReason.Exited => "it was exited",
            ModeEndReason.OwnerDied => "its owner died",
            ModeEndReason.Aborted => "it was refused and taken back",
            ModeEndReason.SessionClosed => "its session was closed",
            ModeEndReason.Unset => "it was taken back",
        };

    private static ModeRefusal NotFound(string reason) => new(FailureKind.NotFound, reason);
}
