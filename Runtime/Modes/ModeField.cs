using Troupe.Messages.Failures;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>One mode as it describes itself: its name, values, holder and needs. Folds, checks, texts, the command line, HTTP and the
/// documentation go through <see cref="All"/> and know no mode by name.</summary>
/// <remarks>Immutable. The entries, one per mode, stand in <c>ModeField.All.cs</c>.</remarks>
public abstract partial class ModeField
{
    private protected ModeField(string name, string form, ModeSchema schema)
    {
        Name = name;
        Form = form;
        Schema = schema;
    }

    /// <summary>As it is written everywhere, e.g. <c>cuda-graphs</c>; <see cref="ModeSpelling"/> tells what is read besides.</summary>
    public string Name { get; }

    /// <summary>What it does, in a line.</summary>
    public required string Documentation { get; init; }

    /// <summary>What its values are, in a sentence.</summary>
    public string Form { get; }

    /// <summary>What its values are, for machines.</summary>
    public ModeSchema Schema { get; }

    public ModeHolder Holder { get; init; }

    /// <summary>The setting belongs to an instance and not to a forward: changing it is a barrier, and it is refused below model
    /// scope.</summary>
    public bool PerInstance => Holder == ModeHolder.Instance;

    /// <summary>Its place in <see cref="All"/>.</summary>
    public int Index { get; private set; }

    public abstract bool IsSet(ModeChange change);

    /// <summary><paramref name="settings"/> with this field from <paramref name="change"/>, which sets it.</summary>
    public abstract ModeSettings Apply(ModeSettings settings, ModeChange change);

    /// <summary><paramref name="settings"/> with this field as it is where nothing sets it.</summary>
    public abstract ModeSettings Reset(ModeSettings settings);

    /// <summary><paramref name="below"/> with this field as <paramref name="above"/> has it.</summary>
    public abstract ModeChange Overlay(ModeChange below, ModeChange above);

    /// <summary><paramref name="change"/> with this field as <paramref name="settings"/> have it.</summary>
    public abstract ModeChange Set(ModeChange change, ModeSettings settings);

    /// <summary>Whether two settings have different values of it.</summary>
    public abstract bool Differs(ModeSettings left, ModeSettings right);

    /// <summary>The value as it is written.</summary>
    public abstract string Text(ModeSettings settings);

    /// <summary>The value as it is written; null when it is not set.</summary>
    public abstract string? Text(ModeChange change);

    /// <summary><paramref name="change"/> with the value that the text names; null when it names none.</summary>
    public abstract ModeChange? Read(ModeChange change, string text);

    /// <summary>Why the value of a change can hold nowhere; null when it can.</summary>
    public abstract ModeRefusal? Invalid(ModeChange change);

    /// <summary>Why a module's back end cannot do what is asked; null when it can or when nothing is asked.</summary>
    public abstract ModeRefusal? Unsupported(ModeSettings settings, ModuleTraits traits);

    /// <summary>Why it cannot be set for a scope; null when it can.</summary>
    public ModeRefusal? Misplaced(ModeScope scope) =>
        Holder switch
        {
            ModeHolder.Forward => null,
            ModeHolder.Instance => scope.Session is null ? null : OfInstance("session"),
            ModeHolder.Router => scope is { Node: null, Gpu: null } ? null : OfRouter(scope),
            ModeHolder.Version => scope is { Node: null, Gpu: null, Model: null or { Number: null } } ? null : OfVersion(scope),
        };

    /// <summary>Why a forward cannot bring it along; null when it can.</summary>
    public ModeRefusal? MisplacedInCall() => PerInstance ? OfInstance("call") : null;

    /// <summary>The field that a name means, in any spelling; null when none does.</summary>
    public static ModeField? Find(string spelling)
    {
        string key = ModeSpelling.Key(spelling);
        return All.FirstOrDefault(field => ModeSpelling.Key(field.Name) == key);
    }

    /// <summary>The change that sets every field to what <paramref name="settings"/> has.</summary>
    public static ModeChange ChangeTo(ModeSettings settings) =>
        All.Aggregate(ModeChange.None, (change, field) => field.Set(change, settings));

    public override string ToString() => Name;

    private ModeRefusal OfInstance(string place) =>
        new(
            FailureKind.InvalidRequest,
            $"{Name} belongs to an instance, not to a forward: it can be set for the cluster, a node, a GPU or a model, not for a {place}.",
            this
        );

    private ModeRefusal OfVersion(ModeScope scope) =>
        new(
            FailureKind.InvalidRequest,
            $"{Name} is looked up before the version and the device of a forward are known: it can be set for the cluster, a model without a number, a session or a call, not for {ModeScopes.Text(scope)}.",
            this
        );

    private ModeRefusal OfRouter(ModeScope scope) =>
        new(
            FailureKind.InvalidRequest,
            $"{Name} is looked up by the router a forward starts from, before its device is known: it can be set for the cluster, a model, a session or a call, not for {ModeScopes.Text(scope)}.",
            this
        );
}
