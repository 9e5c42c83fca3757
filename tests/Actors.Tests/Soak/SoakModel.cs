using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Actors.Tests.Soak;

/// <summary>A model of the soak: where it lies, and for each of its inputs what a plain run without modes answers.</summary>
internal sealed class SoakModel : IDisposable
{
    private readonly ModuleFolder _folder = new();

    private SoakModel(string name, Func<ModuleFolder, string> write, IEnumerable<Tensor> inputs)
    {
        Name = name;
        Path = write(_folder);
        using var plain = new Workbench();
        ModuleInstance instance = plain.Load(Path);
        Cases =
        [
            .. inputs.Select(input =>
                (input, Workbench.Forward(instance, ModeSettings.Default with { Profile = ProfileChoice.Auto }, input))
            ),
        ];
    }

    public string Name { get; }

    public string Path { get; }

    public IReadOnlyList<(Tensor Input, Tensor[] Expected)> Cases { get; }

    /// <summary>Some of its inputs do not fit a profile that is pinned, and by default the first one is.</summary>
    public bool HasProfiles { get; private init; }

    /// <summary>What a call asks for itself so that every input fits.</summary>
    public ModeChange? ThatFits => HasProfiles ? new ModeChange { Profile = ProfileChoice.Auto } : null;

    /// <summary>It is unloaded and loaded now and then.</summary>
    public bool ComesAndGoes { get; private init; }

    public static SoakModel[] All(Random random)
    {
        var pictures = new SamplePictures();
        return
        [
            new("classifier", _ => SamplePictures.ClassifierPath, Enumerable.Range(0, 8).Select(i => pictures.Batch(10 * i, 1 + (i % 4)))),
            new("hybrid", folder => TinyModules.Hybrid(folder), Enumerable.Range(1, 6).Select(rows => Values([rows, 4]))),
            new(
                "engine",
                folder => EmulatedModels.TwoProfiles(folder, ", \"streamableBytes\": 4096"),
                [Values([1, 1, 16]), Values([4, 1, 16]), Values([2, 8, 16]), Values([4, 32, 16])]
            )
            {
                HasProfiles = true,
            },
            new(
                "dynamic",
                folder => folder.Write("net.onnx", TinyModels.Doubled()),
                Enumerable.Range(1, 6).Select(length => Values([length]))
            )
            {
                ComesAndGoes = true,
            },
            new(
                "found",
                folder => folder.Write("net.onnx", TinyModels.NonZero()),
                Enumerable
                    .Range(0, 5)
                    .Select(found => Workbench.Floats("x", [8], [.. Enumerable.Range(0, 8).Select(i => i < found ? 1f : 0f)]))
            ),
        ];

        Tensor Values(long[] shape) =>
            Workbench.Floats(
                "x",
                shape,
                [.. Enumerable.Range(0, (int)shape.Aggregate((left, right) => left * right)).Select(_ => random.Next(-50, 50) / 4f)]
            );
    }

    /// <summary>Null when the outputs are those of the plain run, bit by bit; otherwise where they differ.</summary>
    public string? Difference(int number, Tensor[] outputs)
    {
        Tensor[] expected = Cases[number].Expected;
        for (int i = 0; i < expected.Length; i++)
        {
            if (
                outputs.Length != expected.Length
                || outputs[i].Name != expected[i].Name
                || outputs[i].Shape != expected[i].Shape
                || !outputs[i].Data.Span.SequenceEqual(expected[i].Data.Span)
            )
            {
                return $"{Name}, input {number}: {expected[i].Name} is not that of a plain run";
            }
        }

        return null;
    }

    /// <summary>Whether a forward of this model may fail so, under modes that somebody else changes.</summary>
    public bool MayFail(FailureKind kind, Forward forward, bool isCancelled) =>
        kind switch
        {
            FailureKind.ModeConflict or FailureKind.QueueFull => true,
            FailureKind.DeadlineExceeded => forward.TimeLeft < TimeSpan.FromSeconds(1),
            FailureKind.Cancelled => isCancelled,
            FailureKind.InvalidInput => HasProfiles,
            FailureKind.InvalidRequest => !HasProfiles && forward.Modes?.Profile is { IsAuto: false },
            FailureKind.NotSupported => forward.Modes is not null,
            FailureKind.ModelNotLoaded => ComesAndGoes,
            _ => false,
        };

    public void Dispose() => _folder.Dispose();
}
