using Troupe.Messages.Tensors;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>The modules of the simulation: one of each kind that modes treat differently.</summary>
internal static class ModuleCatalogue
{
    private const ElementType Float = ElementType.Fp32;

    public static IReadOnlyList<ModuleCase> All { get; } =
    [Plain(), Profiles(), Streamed(), Workspace(), Required(), Measured(), Learned(), Cache(), Hybrid(0), Hybrid(1), Expanded(), Pick()];

    private static ModuleCase Plain() =>
        new()
        {
            Name = "plain",
            Write = folder => folder.Write("plain.onnx", TinyModels.Scale(2)),
            Inputs = [("x", Float, [-1, 4])],
            Segments = [new() { IsLast = true }],
            Draw = random => [Rows(random, 0, 4)],
            Compute = inputs => [Scaled(inputs[0], 2)],
        };

    private static ModuleCase Profiles() =>
        new()
        {
            Name = "profiles",
            Write = folder => EmulatedModels.TwoProfiles(folder),
            Inputs = [("x", Float, [-1, -1, 16])],
            Segments = [new() { IsLast = true, Profiles = [([1, 1, 16], [4, 1, 16]), ([1, 1, 16], [4, 32, 16])] }],
            IsEmulated = true,
            Draw = random =>
            {
                long rows = random.Next(20) == 0 ? random.Next(5, 7) : random.Next(1, 4),
                    sequence = random.Next(3) switch
                    {
                        0 => 1,
                        1 => 2,
                        _ => 5,
                    };
                return [Workbench.Floats("x", [rows, sequence, 16], Values(random, rows * sequence * 16))];
            },
            Compute = inputs => [Scaled(inputs[0], 2)],
        };

    private static ModuleCase Streamed() =>
        new()
        {
            Name = "streamed",
            Write = folder => EmulatedModels.TwoStreamable(folder, 1000, 3001, """, "automaticBudget": 1000 """),
            Inputs = [("x", Float, [-1, 4])],
            Segments =
            [
                new() { StreamableBytes = 1000, AutomaticBytes = 1000 },
                new()
                {
                    StreamableBytes = 3001,
                    AutomaticBytes = 3001,
                    IsLast = true,
                },
            ],
            IsEmulated = true,
            Draw = random => [Rows(random, 1, 3)],
            Compute = inputs => [Scaled(inputs[0], 6)],
        };

    private static ModuleCase Workspace() =>
        new()
        {
            Name = "workspace",
            Write = folder =>
                EmulatedModels.Scaled(
                    folder,
                    """, "workspaceBytes": 4096, "streamableBytes": 512, "automaticBudget": 256""",
                    """, "unownedOutputs": true"""
                ),
            Inputs = [("x", Float, [-1, 4])],
            Segments =
            [
                new()
                {
                    StreamableBytes = 512,
                    AutomaticBytes = 256,
                    WorkspaceBytes = 4096,
                    IsLast = true,
                    IsUnowned = true,
                },
            ],
            IsEmulated = true,
            Draw = random => [Rows(random, 0, 3)],
            Compute = inputs => [Scaled(inputs[0], 2)],
        };

    private static ModuleCase Required() =>
        new()
        {
            Name = "required",
            Write = folder => EmulatedModels.NonZero(folder, requiresAllocator: true),
            Inputs = [("x", Float, [-1])],
            Segments =
            [
                new()
                {
                    RequiresAllocator = true,
                    IsMeasured = true,
                    IsLast = true,
                },
            ],
            IsEmulated = true,
            RefusesWholeCapture = true,
            Draw = random => [Sparse(random)],
            Compute = inputs => [NotZero(inputs[0])],
        };

    private static ModuleCase Measured() =>
        Required() with
        {
            Name = "measured",
            Write = folder => folder.Write("measured.onnx", TinyModels.NonZero()),
            Segments = [new() { IsMeasured = true, IsLast = true }],
            IsEmulated = false,
        };

    private static ModuleCase Learned() =>
        new()
        {
            Name = "learned",
            Write = folder => folder.Write("learned.onnx", TinyModels.Doubled()),
            Inputs = [("x", Float, [-1])],
            Segments = [new() { IsLearned = true, IsLast = true }],
            Draw = random => [Sparse(random)],
            Compute = inputs =>
                [Workbench.Floats("y", [2 * inputs[0].Shape[0]], [.. Workbench.Floats(inputs[0]), .. Workbench.Floats(inputs[0])])],
        };

    private static ModuleCase Cache() =>
        new()
        {
            Name = "cache",
            Write = TinyModules.Cache,
            Inputs = [("cache", Float, [64]), ("x", Float, [1])],
            Segments = [new() { WritesInPlace = true, IsLast = true }],
            Cache = 0,
            AliasedOutput = "updated",
            Draw = random => [Workbench.Floats("cache", [64], Values(random, 64)), Workbench.Floats("x", [1], random.Next(10))],
            Compute = inputs => [Workbench.Floats("total", [1], Workbench.Floats(inputs[0]).Sum() + (64 * Workbench.Floats(inputs[1])[0]))],
        };

    private static ModuleCase Hybrid(int middle) =>
        new()
        {
            Name = middle == 0 ? "hybrid" : "spanning",
            Write = folder => TinyModules.Hybrid(folder, middle),
            Inputs = [("x", Float, [-1, 4])],
            Segments = [new(), new() { Device = middle }, new() { IsLast = true }],
            HasFallback = true,
            Draw = random => [Rows(random, 0, 2)],
            Compute = inputs => [Scaled(inputs[0], 24)],
        };

    private static ModuleCase Expanded() =>
        new()
        {
            Name = "expanded",
            Write = folder => EmulatedModels.Expanded(folder),
            Inputs = [("x", Float, [1, 4]), ("size", ElementType.Int64, [2])],
            Segments = [new() { IsLast = true }],
            IsEmulated = true,
            ShapeInput = 1,
            Draw = random => [Workbench.Floats("x", [1, 4], Values(random, 4)), Workbench.Longs("size", [2], random.Next(1, 5), 4)],
            Compute = inputs =>
            {
                int rows = (int)Workbench.Longs(inputs[1])[0];
                return [Workbench.Floats("y", [rows, 4], [.. Enumerable.Repeat(Workbench.Floats(inputs[0]), rows).SelectMany(row => row)])];
            },
        };

    private static ModuleCase Pick() =>
        new()
        {
            Name = "pick",
            Write = folder => folder.Write("pick.onnx", TinyModels.Pick()),
            Inputs = [("x", Float, [-1]), ("i", ElementType.Int64, [-1])],
            Segments = [new() { IsLast = true }],
            Draw = random =>
            {
                int length = random.Next(1, 4);
                return
                [
                    Workbench.Floats("x", [length], Values(random, length)),
                    Workbench.Longs("i", [1], random.Next(6) == 0 ? length : random.Next(length)),
                ];
            },
            Compute = inputs =>
            {
                float[] x = Workbench.Floats(inputs[0]);
                long index = Workbench.Longs(inputs[1])[0];
                return index < x.Length ? [Workbench.Floats("y", [1], x[index])] : null;
            },
        };

    private static Tensor Rows(Random random, int least, int most)
    {
        int rows = random.Next(least, most + 1);
        return Workbench.Floats("x", [rows, 4], Values(random, rows * 4));
    }

    private static Tensor Sparse(Random random)
    {
        int length = random.Next(0, 5);
        return Workbench.Floats("x", [length], [.. Values(random, length).Select(value => value % 2 == 0 ? 0 : value)]);
    }

    /// <summary>Small whole numbers, so that sums and products of floats are exact.</summary>
    private static float[] Values(Random random, long count) => [.. Enumerable.Range(0, (int)count).Select(_ => (float)random.Next(100))];

    private static Tensor Scaled(Tensor x, float by) =>
        new("y", Float, x.Shape, Workbench.Floats("y", [x.Shape.ElementCount], [.. Workbench.Floats(x).Select(value => by * value)]).Data);

    private static Tensor NotZero(Tensor x)
    {
        long[] found =
        [
            .. Workbench
                .Floats(x)
                .Select((value, index) => (value, index: (long)index))
                .Where(pair => pair.value != 0)
                .Select(pair => pair.index),
        ];
        return Workbench.Longs("where", [1, found.Length], found);
    }
}
