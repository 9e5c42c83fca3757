using Troupe.Messages.Failures;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.TestSupport.Engines;

/// <summary>The smallest back end there can be: its files say an element count, its engines answer zeros. Shows what a new one has to
/// write, and that nothing else has to know of it.</summary>
/// <remarks><b>Owns</b> nothing. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class ZeroBackend : IEngineBackend
{
    /// <summary>Called inside each enqueue, on the caller's thread: may wait.</summary>
    public Action? OnEnqueue { get; init; }

    public static ReadOnlySpan<byte> Mark => "zero"u8;

    public BackendDescription Description { get; } =
        new("zeros", "troupe_zeros")
        {
            ModelFile = "model.zeros",
            Recognise = head => head.StartsWith(Mark) ? Mark.Length : 0,
            Obstacle = driver => driver == DriverKind.Emulated ? null : "zeros are only good for tests, and this is a real device",
        };

    /// <summary>A file of this back end.</summary>
    public static byte[] File(byte elements) => [.. Mark, elements];

    public IEngine Load(EngineSource source, EngineHome home, CancellationToken cancellation) =>
        source.Bytes.Span is [.., var elements] bytes && bytes.StartsWith(Mark) && bytes.Length == Mark.Length + 1
            ? new ZeroEngine(source.Segment, home, new EngineTensor("x", ElementType.Fp32, new TensorShape(elements), [""]), OnEnqueue)
            : throw new ModuleLoadException(FailureKind.InvalidModel, $"'{source.Path}' is no file of zeros.");
}
