using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>y = scale · x + shift, float32, element by element, rounded once.</summary>
internal sealed class ScaleShift : BuiltInKernel
{
    public override string Name => "scale_shift_f32";

    public override ElementType Input => ElementType.Fp32;

    public override int InputCount => 1;

    public override IReadOnlyList<string> Scalars { get; } = ["scale", "shift"];

    public override string Body =>
        """
            ld.param.u64 %rd1, [output];
            ld.param.u64 %rd2, [input0];
            ld.param.f32 %f1, [scale];
            ld.param.f32 %f2, [shift];
            mul.wide.u32 %rd3, %r4, 4;
            add.s64 %rd4, %rd2, %rd3;
            add.s64 %rd5, %rd1, %rd3;
            ld.global.f32 %f3, [%rd4];
            fma.rn.f32 %f4, %f3, %f1, %f2;
            st.global.f32 [%rd5], %f4;
            """;

    protected override void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments)
    {
        float scale = Scalar(in arguments, 0),
            shift = Scalar(in arguments, 1);
        ReadOnlySpan<float> x = MemoryMarshal.Cast<byte, float>(first);
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = MathF.FusedMultiplyAdd(x[i], scale, shift);
        }
    }
}
