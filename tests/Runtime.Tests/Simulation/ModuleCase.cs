using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>A module of the simulation as the test knows it: how its files are written, what it is by its own declaration, which inputs it
/// gets, and what it computes, in plain C#.</summary>
/// <remarks>Nothing here is read off the product: a trait the product gets wrong is a failure.</remarks>
internal sealed record ModuleCase
{
    public required string Name { get; init; }

    public required Func<ModuleFolder, string> Write { get; init; }

    /// <summary>Name, type and shape (-1 is free) of the inputs.</summary>
    public required (string Name, ElementType Type, long[] Shape)[] Inputs { get; init; }

    public required SegmentCase[] Segments { get; init; }

    /// <summary>Inputs that the module takes.</summary>
    public required Func<Random, Tensor[]> Draw { get; init; }

    /// <summary>The right answer; null where these inputs make the module fail while it runs.</summary>
    public required Func<Tensor[], Tensor[]?> Compute { get; init; }

    public bool HasFallback { get; init; }

    /// <summary>What keeps the whole module from being captured at once.</summary>
    public bool RefusesWholeCapture { get; init; }

    /// <summary>The input that is written in place, as an index; -1 when none is.</summary>
    public int Cache { get; init; } = -1;

    /// <summary>The output that is written in place.</summary>
    public string? AliasedOutput { get; init; }

    /// <summary>The back end allows a workspace per call and reports the time of layers.</summary>
    public bool IsEmulated { get; init; }

    /// <summary>Input whose values are a shape; -1 when there is none.</summary>
    public int ShapeInput { get; init; } = -1;

    /// <summary>Devices it lies on, its home first.</summary>
    public int Devices => 1 + Segments.Max(segment => segment.Device);

    public bool RequiresAllocator => Segments.Any(segment => segment.RequiresAllocator);

    public long Streamable => Segments.Sum(segment => segment.StreamableBytes);

    public int Profiles => Math.Max(1, Segments.Max(segment => segment.Profiles.Length));
}

/// <summary>One segment of a <see cref="ModuleCase"/>.</summary>
internal sealed record SegmentCase
{
    /// <summary>Relative to the home device.</summary>
    public int Device { get; init; }

    /// <summary>By profile: the least and greatest shapes of the module's first input.</summary>
    public (long[] Min, long[] Max)[] Profiles { get; init; } = [];

    public long StreamableBytes { get; init; }

    public long AutomaticBytes { get; init; }

    public long WorkspaceBytes { get; init; }

    public bool RequiresAllocator { get; init; }

    /// <summary>The size of its output is known only by running, each time.</summary>
    public bool IsMeasured { get; init; }

    /// <summary>The size of its output is known once it has run at these shapes.</summary>
    public bool IsLearned { get; init; }

    /// <summary>Outputs that are not written in place.</summary>
    public int Outputs { get; init; } = 1;

    /// <summary>Some output is written in place.</summary>
    public bool WritesInPlace { get; init; }

    /// <summary>Its outputs leave the module.</summary>
    public bool IsLast { get; init; }

    public bool IsUnowned { get; init; }
}
