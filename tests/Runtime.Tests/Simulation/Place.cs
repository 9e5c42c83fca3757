using Troupe.Messages.Identity;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The kinds of scope, weakest first: the written order of precedence.</summary>
internal enum Precedence
{
    Cluster,
    Node,
    Gpu,
    Model,
    ModelOnGpu,
    Session,
    Call,
}

/// <summary>A scope of the simulation, or the place a forward runs at, in the test's own words.</summary>
internal sealed record Place(Precedence Kind, int Gpu = -1, string? Model = null, int Session = -1)
{
    public static NodeId Node { get; } = new("sim:1");

    public ModeScope Scope =>
        Kind switch
        {
            Precedence.Cluster => ModeScope.Cluster,
            Precedence.Node => new ModeScope(Node: Node),
            Precedence.Gpu => new ModeScope(Gpu: GpuOf(Gpu)),
            Precedence.Model => new ModeScope(Model: new ModelReference(Model!)),
            Precedence.ModelOnGpu => new ModeScope(Gpu: GpuOf(Gpu), Model: new ModelReference(Model!)),
            _ => new ModeScope(Session: SessionOf(Session)),
        };

    public static GpuId GpuOf(int ordinal) => new(Node, ordinal);

    public static SessionId SessionOf(int number) => new(new Guid(number, 0, 0, new byte[8]));

    /// <summary>Whether a forward of this model, GPU and session (-1: none) is inside.</summary>
    public bool Holds(int gpu, string model, int session) =>
        Kind switch
        {
            Precedence.Cluster or Precedence.Node => true,
            Precedence.Gpu => gpu == Gpu,
            Precedence.Model => model == Model,
            Precedence.ModelOnGpu => gpu == Gpu && model == Model,
            _ => session == Session,
        };

    public override string ToString() =>
        $"{Kind}{(Gpu < 0 ? "" : $" gpu{Gpu}")}{(Model is null ? "" : $" {Model}")}{(Session < 0 ? "" : $" s{Session}")}";
}
