using Troupe.Messages.Tensors;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Tests.Engines.Onnx.Model;

/// <summary>What is remembered of output shapes, for how many input shapes, and what contradicts it.</summary>
public sealed class OnnxShapesTests
{
    [Fact]
    public void What_was_asked_for_longest_ago_makes_room_for_other_input_shapes()
    {
        OnnxShapes shapes = Shapes(declared: -1);
        for (int n = 1; n <= OnnxShapes.MaxLearned; n++)
        {
            shapes.Learn([new TensorShape(n)], [new TensorShape(2 * n)]);
        }

        Assert.Equal(new TensorShape(2), Inferred(shapes, 1));
        shapes.Learn([new TensorShape(5000)], [new TensorShape(10_000)]);

        Assert.Equal(new TensorShape(10_000), Inferred(shapes, 5000));
        Assert.Equal(new TensorShape(2), Inferred(shapes, 1));
        Assert.False(Inferred(shapes, 2).IsConcrete);
        Assert.Equal(new TensorShape(6), Inferred(shapes, 3));
    }

    [Fact]
    public void A_wrong_declaration_at_however_many_input_shapes_makes_no_output_depend_on_data()
    {
        OnnxShapes shapes = Shapes(declared: 7);
        Assert.Equal(new TensorShape(7), Inferred(shapes, 1));
        for (int n = 1; n <= OnnxShapes.MaxLearned + 10; n++)
        {
            shapes.Contradict([new TensorShape(n)], [new TensorShape(2 * n)]);
        }

        Assert.Equal(new TensorShape(2 * OnnxShapes.MaxLearned), Inferred(shapes, OnnxShapes.MaxLearned));
        Assert.Equal(new TensorShape(7), Inferred(shapes, 1));
    }

    [Fact]
    public void Another_shape_at_the_same_input_shapes_makes_an_output_depend_on_data()
    {
        OnnxShapes shapes = Shapes(declared: -1);
        shapes.Learn([new TensorShape(1)], [new TensorShape(2)]);
        shapes.Learn([new TensorShape(3)], [new TensorShape(2)]);
        Assert.Equal(new TensorShape(2), Inferred(shapes, 3));
        shapes.Contradict([new TensorShape(1)], [new TensorShape(5)]);
        Assert.False(Inferred(shapes, 1).IsConcrete);
        Assert.False(Inferred(shapes, 3).IsConcrete);
    }

    [Fact]
    public void To_recall_a_shape_allocates_nothing()
    {
        OnnxShapes shapes = Shapes(declared: -1);
        shapes.Learn([new TensorShape(1)], [new TensorShape(2)]);
        shapes.Learn([new TensorShape(2)], [new TensorShape(4)]);
        long least = long.MaxValue;
        for (int round = 0; round < 20; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int n = 0; n < 100; n++)
            {
                Inferred(shapes, 1 + n % 2);
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }

    private static OnnxShapes Shapes(long declared) =>
        new(
            [new EngineTensor("x", ElementType.Fp32, new TensorShape(-1), ["n"])],
            [new EngineTensor("y", ElementType.Fp32, new TensorShape(declared), [""])]
        );

    private static TensorShape Inferred(OnnxShapes shapes, long n)
    {
        TensorShape given = new(n),
            inferred = default;
        shapes.Infer(new ReadOnlySpan<TensorShape>(in given), new Span<TensorShape>(ref inferred));
        return inferred;
    }
}
