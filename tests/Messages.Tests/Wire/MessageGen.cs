using System.Reflection;
using CsCheck;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Random valid messages of every type that travels.</summary>
internal static class MessageGen
{
    private static readonly Gen<string> Name = Gen.String[Gen.Char.AlphaNumeric, 1, 12];
    private static readonly Gen<string> Prose = Gen.OneOf(
        Gen.Const(""),
        Gen.String[Gen.Char.AlphaNumeric, 0, 40],
        Gen.Const("größer als 日本 \U0001F600\n")
    );
    private static readonly Gen<long> Count = Gen.OneOf(Gen.Const(0L), Gen.Long[0, 1000], Gen.Long[0, long.MaxValue]);
    private static readonly Gen<int> Small = Gen.Int[0, 9];
    private static readonly Gen<TimeSpan> Duration = Gen.Long[0, TimeSpan.TicksPerDay * 300].Select(TimeSpan.FromTicks);
    private static readonly Gen<NodeId> Node = Gen.Select(Name, Gen.Int[1, 65535]).Select((host, port) => new NodeId($"{host}:{port}"));
    private static readonly Gen<GpuId> Gpu = Gen.Select(Node, Small).Select((node, ordinal) => new GpuId(node, ordinal));
    private static readonly Gen<GpuId[]> Gpus = Gpu.Array[0, 4];
    private static readonly Gen<RequestId> Request = Gen.Select(Gen.ULong, Gen.ULong)
        .Select((node, counter) => new RequestId(new NodeIncarnation(node), counter));
    private static readonly Gen<ModelReference> Reference = Gen.Select(Name, Optional(Small))
        .Select((name, number) => new ModelReference(name, number));
    private static readonly Gen<ModelVersion> Version = Gen.Select(Name, Small, Gen.ULong, Gen.ULong)
        .Select((name, number, a, b) => new ModelVersion(name, number, new ContentHash(a, b, ~a, ~b)));
    private static readonly Gen<ModeToken> Token = Gen.Guid.Select(value => new ModeToken(value));
    private static readonly Gen<FailureKind> Failure = Any<FailureKind>();

    private static readonly Gen<TensorShape> Shape = Gen.Long[0, 4].Array[0, 4].Select(dimensions => new TensorShape(dimensions));
    private static readonly Gen<TensorSpec> Spec = Gen.Select(Name, Any<ElementType>(), Gen.Long[-1, 9].Array[0, 8], Gen.Bool, Gen.Bool)
        .Select((name, type, dimensions, free, optional) => new TensorSpec(name, type, new TensorShape(dimensions), free, optional));
    private static readonly Gen<TensorSpec[]> Specs = Spec.Array[0, 3];
    private static readonly Gen<Tensor> One = Gen.Select(Any<ElementType>().Where(type => type != ElementType.Unknown), Shape, Gen.Int)
        .Select(Filled);
    private static readonly Gen<Tensor[]> Tensors = One.Array[0, 4]
        .Select(list => list.Select((tensor, i) => tensor with { Name = $"t{i}" }).ToArray());

    private static readonly Gen<WeightBudget> Budget = Gen.Select(Any<WeightBudgetKind>(), Gen.Long, Gen.Double[0, 1])
        .Select((kind, bytes, share) => new WeightBudget(kind, bytes, share));
    private static readonly Gen<RuntimeSettings> Runtime = Gen.Select(Any<KernelSpecialization>(), Any<EngineGraphStrategy>(), Maybe(Name))
        .Select((specialization, strategy, path) => new RuntimeSettings(specialization, strategy, path));
    private static readonly Gen<RuntimeSettingsChange> RuntimeChange = Gen.Select(
            Optional(Any<KernelSpecialization>()),
            Optional(Any<EngineGraphStrategy>()),
            Optional(Maybe(Name).Select(path => new RuntimeCacheChoice(path)))
        )
        .Select((specialization, strategy, cache) => new RuntimeSettingsChange(specialization, strategy, cache));
    private static readonly Gen<ProfileChoice> Profile = Optional(Small).Select(index => new ProfileChoice(index));

    /// <summary>By the type of a mode's value, so that a mode of a known type is drawn without being named here.</summary>
    private static readonly Dictionary<Type, Gen<object?>> ModeValues = new[]
    {
        Either(Gen.Bool),
        Either(Any<CudaGraphsMode>()),
        Either(Any<WorkspaceStrategy>()),
        Either(Any<ProfilingFormat>()),
        Either(Profile),
        Either(Maybe(Name).Select(words => new VersionChoice(words))),
        Either(Budget),
        [
            KeyValuePair.Create(typeof(RuntimeSettings), Runtime.Select(object? (value) => value)),
            KeyValuePair.Create(typeof(RuntimeSettingsChange), Maybe(RuntimeChange).Select(object? (value) => value)),
        ],
    }
        .SelectMany(pairs => pairs)
        .ToDictionary();

    private static readonly Gen<ModeChange> Change = Drawn<ModeChange>();
    private static readonly Gen<ModeSettings> Settings = Drawn<ModeSettings>();
    private static readonly Gen<ModeScope> Scope = Gen.Select(
            Optional(Node),
            Optional(Gpu),
            Optional(Reference),
            Optional(Gen.Guid.Select(value => new SessionId(value)))
        )
        .Select((node, gpu, model, session) => new ModeScope(node, gpu, model, session));
    private static readonly Gen<ModeObstacle[]> Obstacles = Gen.Select(Node, Optional(Gpu), Prose)
        .Select((node, gpu, reason) => new ModeObstacle(node, gpu, reason))
        .Array[0, 3];

    private static readonly Gen<ForwardReport> Report = Gen.Select(
            Version,
            Gpu,
            Count,
            Gen.Int[1, 3],
            Gen.Select(Count, Count, Count, Count)
        )
        .Select(
            (model, gpu, epoch, attempts, times) =>
                new ForwardReport(model, gpu, epoch, attempts, new StageTimes(times.Item1, times.Item2, times.Item3, times.Item4))
        );

    public static Gen<Forward> Forward { get; } =
        Gen.Select(
                Gen.Select(Request, Reference, Tensors, Name.Array[0, 3]),
                Gen.Select(Duration, Optional(Gpu), Optional(Gen.Guid), Maybe(Change), Maybe(Name)),
                Gen.Select(Gen.Int[0, ForwardPriority.Levels], Any<ForwardClass>())
            )
            .Select(
                (first, second, third) =>
                    new Forward
                    {
                        Id = first.Item1,
                        Model = first.Item2,
                        Inputs = first.Item3,
                        Outputs = first.Item4,
                        TimeLeft = second.Item1,
                        Gpu = second.Item2,
                        Session = second.Item3 is { } session ? new SessionId(session) : null,
                        Modes = second.Item4,
                        TraceParent = second.Item5,
                        Priority = third.Item1,
                        Class = third.Item2,
                    }
            );

    private static readonly Gen<ForwardReply> Succeeded = Gen.Select(Request, Tensors, Report)
        .Select((id, outputs, report) => (ForwardReply)new ForwardReply.Succeeded(id, outputs, report));
    private static readonly Gen<ForwardReply> Failed = Gen.Select(Request, Failure, Prose)
        .Select((id, kind, detail) => (ForwardReply)new ForwardReply.Failed(id, kind, detail));
    private static readonly Gen<ModelSnapshot> Model = Gen.Select(
            Gen.Select(Version, Any<ModelState>(), Prose, Name),
            Gen.Select(Specs, Specs, Gpus, Gen.Bool, Gen.Bool)
        )
        .Select(
            (first, second) =>
                new ModelSnapshot(
                    first.Item1,
                    first.Item2,
                    first.Item3,
                    first.Item4,
                    second.Item1,
                    second.Item2,
                    second.Item3,
                    second.Item4,
                    second.Item5
                )
        );
    private static readonly Gen<GpuSnapshot> Device = Gen.Select(
            Gen.Select(Gpu, Name, Any<GpuHealth>(), Prose),
            Gen.Select(Small, Small, Small, Count, Count)
        )
        .Select(
            (first, second) =>
                new GpuSnapshot(
                    first.Item1,
                    first.Item2,
                    first.Item3,
                    first.Item4,
                    second.Item1,
                    second.Item2,
                    second.Item3,
                    second.Item4,
                    second.Item5
                )
        );
    private static readonly Gen<ModeEntrySnapshot> Entry = Gen.Select(
            Optional(Token),
            Scope,
            Change,
            Count,
            Optional(Duration),
            Node,
            Gen.Bool
        )
        .Select(
            (token, scope, change, epoch, lease, node, session) => new ModeEntrySnapshot(token, scope, change, epoch, lease, node, session)
        );
    private static readonly Gen<ModeExplanation> Line = Gen.Select(Name, Prose, Prose, Count, Maybe(Prose))
        .Select((setting, value, source, epoch, conflict) => new ModeExplanation(setting, value, source, epoch, conflict));

    private static readonly Gen<SessionId> Session = Gen.Guid.Select(value => new SessionId(value));
    private static readonly Gen<AuditRow> Row = Gen.Select(
            Maybe(Scope),
            Gen.Select(Count, Count, Count, Count, Count),
            Gen.Select(Failure, Count).Select((kind, count) => new FailureTally(kind, count)).Array[0, 3]
        )
        .Select(
            (scope, counts, failed) =>
                new AuditRow(scope, new AuditTally(counts.Item1, counts.Item2, failed, counts.Item3, counts.Item4, counts.Item5))
        );
    private static readonly Gen<ModeStamp> Stamp = Gen.Select(Count, Gen.ULong, Count)
        .Select((time, node, counter) => new ModeStamp(time, new NodeIncarnation(node), counter));
    private static readonly Gen<ModeLease> Lease = Gen.Select(Stamp, Duration).Select((renewed, left) => new ModeLease(renewed, left));
    private static readonly Gen<ModeEnd> End = Gen.Select(Count, Any<ModeEndReason>()).Select((time, reason) => new ModeEnd(time, reason));
    private static readonly Gen<ModeEntry> Mode = Gen.Select(
            Gen.Select(Stamp, Optional(Token), Scope, Change, Node),
            Gen.Select(Maybe(Name), Optional(Lease), Optional(End), Gen.Bool)
        )
        .Select(
            (first, second) =>
                new ModeEntry(
                    first.Item1,
                    first.Item2,
                    first.Item3,
                    first.Item4,
                    first.Item5,
                    second.Item1,
                    second.Item2,
                    second.Item3,
                    second.Item4
                )
        );
    private static readonly Gen<ModeObjection[]> Objections = Gen.Select(Gpu, Version, Failure, Prose, Gen.Bool)
        .Select((gpu, model, kind, reason, refuses) => new ModeObjection(gpu, model, kind, reason, refuses))
        .Array[0, 3];

    /// <summary>A generator for every type of <c>WireFormat.MessageTypes</c>.</summary>
    public static IReadOnlyDictionary<Type, Gen<object>> ByType { get; } =
        new Dictionary<Type, Gen<object>>
        {
            [typeof(Forward)] = Forward.Select(object (message) => message),
            [typeof(ForwardReply.Succeeded)] = Succeeded.Select(object (message) => message),
            [typeof(ForwardReply.Failed)] = Failed.Select(object (message) => message),
            [typeof(CancelForward)] = Request.Select(object (id) => new CancelForward(id)),
            [typeof(RouteForward)] = Gen.Select(Forward, Gen.Int[1, 3])
                .Select(
                    object (forward, attempt) =>
                        new RouteForward(forward, attempt, attempt == 2, attempt == 3 ? new ContentHash(1, 2, 3, ulong.MaxValue) : null)
                ),
            [typeof(ForwardOutcome)] = Gen.Select(Gen.Int[1, 3], Gen.OneOf(Succeeded, Failed), Any<RetryAdvice>(), Gpu)
                .Select(
                    object (attempt, reply, advice, gpu) =>
                        new ForwardOutcome(attempt, reply, advice, attempt == 2, attempt == 2, attempt == 2 ? gpu : null)
                ),
            [typeof(AbandonForward)] = Gen.Select(Request, Gen.Int[1, 3]).Select(object (id, attempt) => new AbandonForward(id, attempt)),
            [typeof(GuiltyForwards)] = Gen.Select(Version, Gen.ULong, Gen.ULong, Gen.Int[0, 600], Name)
                .Select(
                    (model, high, low, seconds, where) =>
                        new GuiltyForward(model, high, low, TimeSpan.FromSeconds(seconds), where, seconds % 2 == 1)
                )
                .Array[0, 3]
                .Select(object (forwards) => new GuiltyForwards(forwards)),
            [typeof(LoadModel)] = Gen.Select(Name, Optional(Small), Maybe(Name), Maybe(Small.Array[0, 4]))
                .Select(
                    object (name, number, path, gpus) =>
                        new LoadModel(name, number, path, gpus, path is null ? [new ContentHash(1, 2, 3, ulong.MaxValue)] : null)
                ),
            [typeof(UnloadModel)] = Gen.Select(Name, Optional(Small)).Select(object (name, number) => new UnloadModel(name, number)),
            [typeof(ModelReply.Loaded)] = Gen.Select(Version, Gpus).Select(object (model, gpus) => new ModelReply.Loaded(model, gpus)),
            [typeof(ModelReply.Unloaded)] = Gen.Select(Name, Small.Array[0, 3])
                .Select(object (name, numbers) => new ModelReply.Unloaded(name, numbers)),
            [typeof(ModelReply.Failed)] = Gen.Select(Name, Failure, Prose)
                .Select(object (name, kind, detail) => new ModelReply.Failed(name, kind, detail)),
            [typeof(AskModels)] = Gen.Select(Request, Node, Name, Optional(Small), Gen.Bool)
                .Select(
                    object (id, node, name, number, loads) =>
                        new AskModels(id, node, loads ? new LoadModel(name, number) : null, loads ? null : new UnloadModel(name, number))
                ),
            [typeof(ModelsAnswered)] = Gen.Select(Request, Name, Failure, Prose)
                .Select(object (id, name, kind, detail) => new ModelsAnswered(id, new ModelReply.Failed(name, kind, detail))),
            [typeof(AskConfiguration)] = Gen.Select(Request, Node, Version, Small)
                .Select(object (id, node, model, offset) => new AskConfiguration(id, node, model, offset)),
            [typeof(ConfigurationPart)] = Gen.Select(Request, Small, Gen.Byte.Array[0, 9])
                .Select(object (id, length, bytes) => new ConfigurationPart(id, length, bytes)),
            [typeof(SetMode)] = Gen.Select(Scope, Change).Select(object (scope, change) => new SetMode(scope, change)),
            [typeof(UnsetMode)] = Gen.Select(Scope, Name.Array[0, 3]).Select(object (scope, names) => new UnsetMode(scope, names)),
            [typeof(EnterMode)] = Gen.Select(Scope, Change, Duration, Maybe(Name))
                .Select(object (scope, change, lease, owner) => new EnterMode(scope, change, lease, owner)),
            [typeof(RenewMode)] = Gen.Select(Token, Duration).Select(object (token, lease) => new RenewMode(token, lease)),
            [typeof(ExitMode)] = Token.Select(object (token) => new ExitMode(token)),
            [typeof(GetModes)] = Scope.Select(object (scope) => new GetModes(scope)),
            [typeof(ExplainModes)] = Scope.Select(object (scope) => new ExplainModes(scope)),
            [typeof(GetAudit)] = Scope.Select(object (scope) => new GetAudit(scope)),
            [typeof(ModeReply.Applied)] = Gen.Select(Count, Gpus, Obstacles)
                .Select(object (epoch, by, not) => new ModeReply.Applied(epoch, by, not)),
            [typeof(ModeReply.Entered)] = Gen.Select(Token, Count, Gpus, Obstacles)
                .Select(object (token, epoch, by, not) => new ModeReply.Entered(token, epoch, by, not)),
            [typeof(ModeReply.Renewed)] = Gen.Select(Token, Duration).Select(object (token, lease) => new ModeReply.Renewed(token, lease)),
            [typeof(ModeReply.Exited)] = Gen.Select(Token, Count, Obstacles)
                .Select(object (token, epoch, not) => new ModeReply.Exited(token, epoch, not)),
            [typeof(ModeReply.Listing)] = Gen.Select(Entry.Array[0, 3], Count)
                .Select(object (entries, epoch) => new ModeReply.Listing(entries, epoch)),
            [typeof(ModeReply.Explanation)] = Gen.Select(Settings, Line.Array[0, 3], Count, Obstacles)
                .Select(object (settings, lines, epoch, conflicts) => new ModeReply.Explanation(settings, lines, epoch, conflicts)),
            [typeof(ModeReply.Refused)] = Gen.Select(Failure, Prose, Obstacles)
                .Select(object (kind, detail, by) => new ModeReply.Refused(kind, detail, by)),
            [typeof(ModeReply.SessionOpened)] = Gen.Select(Session, Duration, Count)
                .Select(object (session, lease, epoch) => new ModeReply.SessionOpened(session, lease, epoch)),
            [typeof(ModeReply.SessionRenewed)] = Gen.Select(Session, Duration)
                .Select(object (session, lease) => new ModeReply.SessionRenewed(session, lease)),
            [typeof(ModeReply.SessionClosed)] = Gen.Select(Session, Count)
                .Select(object (session, epoch) => new ModeReply.SessionClosed(session, epoch)),
            [typeof(ModeReply.Audited)] = Row.Array[0, 3].Select(object (rows) => new ModeReply.Audited(rows)),
            [typeof(OpenSession)] = Gen.Select(Duration, Maybe(Name)).Select(object (lease, owner) => new OpenSession(lease, owner)),
            [typeof(RenewSession)] = Gen.Select(Session, Duration).Select(object (session, lease) => new RenewSession(session, lease)),
            [typeof(CloseSession)] = Session.Select(object (session) => new CloseSession(session)),
            [typeof(PrepareModeChange)] = Gen.Select(Count, Node, Count, Maybe(Mode), Scope, Duration)
                .Select(object (change, from, time, entry, scope, left) => new PrepareModeChange(change, from, time, entry, scope, left)),
            [typeof(ModeChangePrepared)] = Gen.Select(Count, Node, Count, Objections)
                .Select(object (change, from, time, objections) => new ModeChangePrepared(change, from, time, objections)),
            [typeof(CommitModeChange)] = Gen.Select(Count, Node, Count, Mode.Array[0, 3], Duration)
                .Select(object (change, from, time, entries, left) => new CommitModeChange(change, from, time, entries, left)),
            [typeof(ModeChangeCommitted)] = Gen.Select(Count, Node, Count, Gpus, Gpus, Objections)
                .Select(
                    object (change, from, time, applied, silent, objections) =>
                        new ModeChangeCommitted(change, from, time, applied, silent, objections)
                ),
            [typeof(CompareModes)] = Gen.Select(Count, Node, Count, Gen.ULong)
                .Select(object (round, from, time, digest) => new CompareModes(round, from, time, digest)),
            [typeof(ModePage)] = Gen.Select(Count, Node, Count, Small, Small, Mode.Array[0, 3])
                .Select(object (round, from, time, index, count, entries) => new ModePage(round, from, time, index, count, entries)),
            [typeof(ResidencyPage)] = Gen.Select(Node, Gen.ULong, Small, Small, Model.Array[0, 3])
                .Select(
                    object (node, life, version, index, models) =>
                        new ResidencyPage(node, new NodeIncarnation(life), version + 1L, index, index + 1, models)
                ),
            [typeof(AskResidency)] = Node.Select(object (node) => new AskResidency(node)),
            [typeof(NodeSnapshot)] = Gen.Select(
                    Gen.Select(Node, Gen.ULong, Count, Gen.Bool),
                    Gen.Select(Device.Array[0, 3], Model.Array[0, 3], Prose, Small)
                )
                .Select(
                    object (first, second) =>
                        new NodeSnapshot(
                            first.Item1,
                            new NodeIncarnation(first.Item2),
                            first.Item3,
                            first.Item4,
                            second.Item1,
                            second.Item2,
                            second.Item3,
                            second.Item4
                        )
                ),
        };

    /// <summary>Any message that travels.</summary>
    public static Gen<object> Message { get; } =
        Gen.OneOf([.. ByType.OrderBy(entry => entry.Key.FullName, StringComparer.Ordinal).Select(entry => entry.Value)]);

    public static Gen<T> Any<T>()
        where T : struct, Enum => Gen.Int[0, Enum.GetValues<T>().Length - 1].Select(index => Enum.GetValues<T>()[index]);

    private static Gen<T?> Optional<T>(Gen<T> gen)
        where T : struct => Gen.OneOf(Gen.Const((T?)null), gen.Select(value => (T?)value));

    private static Gen<T?> Maybe<T>(Gen<T> gen)
        where T : class => Gen.OneOf(Gen.Const((T?)null), gen.Select(value => (T?)value));

    private static Tensor Filled(ElementType type, TensorShape shape, int seed)
    {
        Random random = new(seed);
        if (type != ElementType.Bytes)
        {
            byte[] bytes = new byte[type.ByteCount(shape.ElementCount)];
            random.NextBytes(bytes);
            return new Tensor("t", type, shape, bytes);
        }

        using MemoryStream strings = new();
        for (long i = 0; i < shape.ElementCount; i++)
        {
            byte[] text = new byte[random.Next(5)];
            random.NextBytes(text);
            strings.Write(BitConverter.GetBytes(text.Length));
            strings.Write(text);
        }

        return new Tensor("t", type, shape, strings.ToArray());
    }

    /// <summary>A value in settings, and the same or none in a change.</summary>
    private static KeyValuePair<Type, Gen<object?>>[] Either<T>(Gen<T> value)
        where T : struct =>
        [
            KeyValuePair.Create(typeof(T), value.Select(object? (one) => one)),
            KeyValuePair.Create(typeof(T?), Optional(value).Select(object? (one) => one)),
        ];

    /// <summary>A record with a drawn value in each of its properties.</summary>
    private static Gen<T> Drawn<T>()
        where T : new()
    {
        PropertyInfo[] properties = [.. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(one => one.CanWrite)];
        return properties
            .Aggregate(
                Gen.Const(Array.Empty<object?>()),
                (drawn, property) =>
                    Gen.Select(drawn, ModeValues[property.PropertyType]).Select((values, value) => (object?[])[.. values, value])
            )
            .Select(values =>
            {
                object made = new T();
                foreach ((PropertyInfo property, object? value) in properties.Zip(values))
                {
                    property.SetValue(made, value);
                }

                return (T)made;
            });
    }
}
