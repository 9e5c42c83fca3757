using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>y = scale · x + shift from bytes to float32: turns the pixels of a picture into a network's input.</summary>
internal sealed class NormalizeBytes : BuiltInKernel
{
    public override string Name => "normalize_u8_f32";

    public override ElementType Input => ElementType.UInt8;

    public override int InputCount => 1;

    public override IReadOnlyList<string> Scalars { get; } = ["scale", "shift"];

    public override string Body =>
        """
            ld.param.u64 %rd1, [output];
            ld.param.u64 %rd2, [input0];
            ld.param.f32 %f1, [scale];
            ld.param.f32 %f2, [shift];
            cvt.u64.u32 %rd3, %r4;
            add.s64 %rd4, %rd2, %rd3;
            mul.wide.u32 %rd5, %r4, 4;
            add.s64 %rd6, %rd1, %rd5;
            ld.global.u8 %r6, [%rd4];
            cvt.rn.f32.u32 %f3, %r6;
            fma.rn.f32 %f4, %f3, %f1, %f2;
            st.global.f32 [%rd6], %f4;
            """;

    protected override void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments)
    {
        float scale = Scalar(in arguments, 0),
            shift = Scalar(in arguments, 1);
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = MathF.FusedMultiplyAdd(first[i], scale, shift);
        }
    }
}
