using Troupe.Actors.Routing;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Messages.Wire;

namespace Troupe.Actors.Tests.Routing;

/// <summary>How a node's models come to another router, <see cref="ResidencyPages"/> to <see cref="ResidencyOfOther"/>, whatever is lost on
/// the way and however many there are.</summary>
public sealed class ResidencyPagesTests
{
    private readonly RouterTable _teller = new();
    private readonly RouterTable _hearer = new();
    private readonly List<IRouterMessage> _told = [];
    private readonly List<IRouterMessage> _asked = [];
    private long _sequence;

    public ResidencyPagesTests()
    {
        _teller.Recorder.OnKnowledge = (_, message) => _told.Add(message);
        _hearer.Recorder.OnKnowledge = (_, message) => _asked.Add(message);
        _teller.Members.Add(RouterTable.Other, _teller.Now);
        _hearer.Members.Add(RouterTable.Self, _hearer.Now);
    }

    [Fact]
    public void Few_models_travel_with_every_snapshot()
    {
        Publish(Models(10));
        NodeSnapshot snapshot = Assert.IsType<NodeSnapshot>(Assert.Single(Take()));
        Assert.Equal((10, 0), (snapshot.Models.Length, snapshot.Residency));
    }

    [Fact]
    public void Two_thousand_models_come_in_pages_of_at_most_64_KiB_and_only_on_change()
    {
        ModelSnapshot[] models = Models(2000);
        Publish(models);
        IRouterMessage[] told = Take();
        Assert.All(told, message => Assert.InRange(WireFormat.Serialize(message).Length, 1, 64 << 10));
        Assert.InRange(told.Length, 3, 20);
        Hear(told);
        Assert.Equal(Names(models), Known());
        Assert.Equal("m7", _hearer.Table.Routes.Find(new ModelReference("m7"))!.Model.Name);

        Publish(models);
        NodeSnapshot unchanged = Assert.IsType<NodeSnapshot>(Assert.Single(Take()));
        Assert.InRange(WireFormat.Serialize(unchanged).Length, 1, 1 << 10);
        Hear(unchanged);
        Assert.Equal(Names(models), Known());

        Publish(models[..1999]);
        Hear(Take());
        Assert.Equal(1999, Known().Length);
        Assert.Empty(_asked);
    }

    [Fact]
    public void No_model_is_larger_than_it_is_counted() =>
        Assert.All(
            Models(20),
            model => Assert.InRange(ResidencyPages.BytesOf(model), WireFormat.Serialize(Page(model)).Length - 64, int.MaxValue)
        );

    [Fact]
    public void What_is_lost_is_asked_for_once_a_second_and_the_former_models_stand_until_then()
    {
        ModelSnapshot[] first = Models(300),
            second = Models(301);
        Publish(first);
        Hear(Take());
        Publish(second);
        IRouterMessage[] told = Take();
        Hear([.. told.Where(message => message is not ResidencyPage { Index: 1 })]);
        Assert.Equal(Names(first), Known());
        Assert.IsType<AskResidency>(Assert.Single(_asked));
        Publish(second);
        Hear(Take());
        Assert.Single(_asked);

        _teller.Members.TellResidency(RouterTable.Other);
        Hear(Take());
        Assert.Equal(Names(second), Known());
        _hearer.Now += TimeSpan.FromSeconds(2);
        Publish(second);
        Hear(Take());
        Assert.Single(_asked);
    }

    [Fact]
    public void Pages_that_come_twice_or_late_change_nothing()
    {
        Publish(Models(300));
        IRouterMessage[] old = Take();
        Publish(Models(310));
        IRouterMessage[] told = Take();
        Hear(old);
        Hear(told);
        Hear([.. old.OfType<ResidencyPage>()]);
        Hear([.. told.OfType<ResidencyPage>().Take(1)]);
        Assert.Equal(310, Known().Length);
    }

    [Fact]
    public void A_version_near_its_end_that_somebody_made_up_does_not_keep_the_true_one_out()
    {
        Publish(Models(300));
        Hear(Take());
        Hear(new ResidencyPage(RouterTable.Self, new NodeIncarnation(1), long.MaxValue, 0, 1, Models(1)));
        Assert.Single(Known());
        Publish(Models(310));
        IRouterMessage[] told = Take();
        Hear(told);
        Assert.IsType<AskResidency>(Assert.Single(_asked));
        Hear([.. told.OfType<ResidencyPage>()]);
        Assert.Equal(310, Known().Length);
    }

    [Fact]
    public void A_stranger_is_told_nothing()
    {
        Publish(Models(300));
        Take();
        _teller.Members.TellResidency(RouterTable.Third);
        Assert.Empty(Take());
    }

    private static ModelSnapshot[] Models(int count) =>
        [
            .. Enumerable
                .Range(0, count)
                .Select(index => new ModelSnapshot(
                    new ModelVersion($"m{index}", 1, new ContentHash((ulong)index, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue)),
                    ModelState.Ready,
                    "",
                    "onnxruntime_onnx",
                    [new TensorSpec("input", ElementType.Fp32, new TensorShape(-1, 3, 224, 224))],
                    [new TensorSpec("output", ElementType.Fp32, new TensorShape(-1, 1000))],
                    [new GpuId(RouterTable.Self, 0), new GpuId(RouterTable.Self, 1)],
                    true
                )),
        ];

    private static ResidencyPage Page(ModelSnapshot model) => new(RouterTable.Self, new NodeIncarnation(1), 1, 0, 1, [model]);

    private void Publish(ModelSnapshot[] models) =>
        _teller.Members.Publish(
            new OwnSnapshot(
                new NodeSnapshot(
                    RouterTable.Self,
                    new NodeIncarnation(1),
                    ++_sequence,
                    false,
                    [new GpuSnapshot(new GpuId(RouterTable.Self, 0), "fake", GpuHealth.Ready, "", 0, 4, 0, 0, 1)],
                    models,
                    "1"
                ),
                null,
                null
            )
        );

    private IRouterMessage[] Take()
    {
        _ = _teller.Decisions.Count;
        IRouterMessage[] told = [.. _told];
        _told.Clear();
        return told;
    }

    /// <summary>Written to bytes and read again, as on the way.</summary>
    private void Hear(params IRouterMessage[] messages)
    {
        foreach (IRouterMessage message in messages)
        {
            switch (WireFormat.Deserialize(WireFormat.Manifest(message), WireFormat.Serialize(message)))
            {
                case ResidencyPage page:
                    _hearer.Members.Update(page);
                    break;
                case NodeSnapshot snapshot:
                    _hearer.Members.TryUpdate(snapshot, _hearer.Now, out _);
                    break;
            }
        }

        _ = _hearer.Decisions.Count;
    }

    private ModelVersion[] Known() => Names(_hearer.Table.Node(RouterTable.Self)!.Snapshot.Models);

    private static ModelVersion[] Names(ModelSnapshot[] models) => [.. models.Select(model => model.Model)];
}
