using Troupe.Actors.Membership;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>One change of residency, from its request to its commit; those on one model come one after another.</summary>
internal abstract class ModelOperation
{
    private ModelOperation() { }

    /// <summary>The model it works on: two operations on one model never overlap.</summary>
    public abstract string Name { get; }

    /// <summary>The version it works on; null until a load has been resolved.</summary>
    public ModelEntry? Entry { get; set; }

    /// <summary>The files it loads: those asked for now, which need not be those the version was first loaded from.</summary>
    public ModuleSource? Source { get; set; }

    /// <summary>Answers carry the ticket of the step they belong to.</summary>
    public long Ticket { get; set; }

    /// <summary>The device of the present step.</summary>
    public int Ordinal { get; set; } = -1;

    /// <summary>The instance of the present step, while it is on its way to the executor.</summary>
    public InstanceHandOver? HandOver { get; set; }

    /// <summary>Devices still to be tried, in order.</summary>
    public Queue<int> Targets { get; } = new();

    /// <summary>Devices it brought the model to.</summary>
    public List<int> Done { get; } = [];

    public (FailureKind Kind, string Detail)? Failure { get; set; }

    /// <summary>Bring a model to devices because somebody asked.</summary>
    /// <param name="isOwn">The node's own settings ask for it.</param>
    internal sealed class Load(LoadModel request, bool isOwn, IReplyTo<ModelReply>? asker) : ModelOperation
    {
        public override string Name => Request.Name;

        public LoadModel Request { get; } = request;

        public bool IsOwn { get; } = isOwn;

        public IReplyTo<ModelReply>? Asker { get; } = asker;

        /// <summary>What it brings along; null: nothing.</summary>
        public GivenModel? Given { get; init; }

        /// <summary>Contents that give way to it.</summary>
        public IReadOnlyCollection<ContentHash> Replaces { get; } = request.Replaces ?? [];

        /// <summary>Devices that did not take its present version, though they were there.</summary>
        public HashSet<int> Refused { get; } = [];

        /// <summary>What its present version was built of first, which is what it is of on every device.</summary>
        public ContentHash? Content { get; set; }

        /// <summary>Numbers that it brought, or left as they were.</summary>
        public HashSet<int> Numbers { get; } = [];

        /// <summary>The version is new here: if the load fails nothing of it remains.</summary>
        public bool Reserved { get; set; }

        /// <summary>Named devices: all of them or none.</summary>
        public bool AllOrNothing => Request.Gpus is { Length: > 0 };

        /// <summary>It asks for all that its model's folder holds, wherever that may be.</summary>
        public bool IsOfWholeModel => Request is { Number: null, Path: null } && !AllOrNothing;

        /// <summary>Versions that are still to be loaded, in order.</summary>
        public Queue<int> Further { get; } = new();

        /// <summary>A version that was found and whose files could not be had.</summary>
        public ModuleSource? Unfound { get; set; }

        /// <summary>What the versions before came to: the first failure, else the newest that was loaded.</summary>
        public ModelReply? Earlier { get; set; }

        /// <summary>Its files were found: those that its configuration keeps from a device are not brought there.</summary>
        public void Take(ModelResolved resolved)
        {
            Source = resolved.Source;
            Queue(resolved.Further ?? []);
            if (!AllOrNothing && resolved.Source.Devices is { } devices)
            {
                int[] left = [.. Targets.Where(devices.Contains)];
                Targets.Clear();
                Array.ForEach(left, Targets.Enqueue);
            }
        }

        /// <summary>Versions that are to be loaded after the present one.</summary>
        public void Queue(IReadOnlyList<int> further)
        {
            foreach (int number in further)
            {
                Further.Enqueue(number);
            }
        }

        /// <summary>Begins with its next version.</summary>
        public void Restart()
        {
            Entry = null;
            Source = null;
            Ordinal = -1;
            HandOver = null;
            Failure = null;
            Unfound = null;
            Content = null;
            Reserved = false;
            Targets.Clear();
            Done.Clear();
            Refused.Clear();
        }
    }

    /// <summary>Let versions go because somebody asked.</summary>
    internal sealed class Unload(UnloadModel request, IReplyTo<ModelReply>? asker) : ModelOperation
    {
        public override string Name => Request.Name;

        public UnloadModel Request { get; } = request;

        public IReplyTo<ModelReply>? Asker { get; } = asker;

        /// <summary>The node's own settings name it no longer.</summary>
        public bool IsOwn { get; init; }

        public List<ModelEntry> Entries { get; } = [];
    }

    /// <summary>Bring a version back to a rebuilt device, or to a sibling of a lost one.</summary>
    internal sealed class Restore(ModelEntry entry, int? ordinal) : ModelOperation
    {
        public override string Name => Version.Source.Model.Name;

        public ModelEntry Version { get; } = entry;

        /// <summary>Null: any ready device that does not have it.</summary>
        public int? On { get; } = ordinal;
    }
}
