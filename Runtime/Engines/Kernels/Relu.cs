using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>y = max(x, 0), float32, element by element.</summary>
internal sealed class Relu : BuiltInKernel
{
    public override string Name => "relu_f32";

    public override ElementType Input => ElementType.Fp32;

    public override int InputCount => 1;

    public override string Body =>
        """
            ld.param.u64 %rd1, [output];
            ld.param.u64 %rd2, [input0];
            mul.wide.u32 %rd3, %r4, 4;
            add.s64 %rd4, %rd2, %rd3;
            add.s64 %rd5, %rd1, %rd3;
            ld.global.f32 %f1, [%rd4];
            max.f32 %f2, %f1, 0f00000000;
            st.global.f32 [%rd5], %f2;
            """;

    protected override void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments)
    {
        ReadOnlySpan<float> x = MemoryMarshal.Cast<byte, float>(first);
        for (int i = 0; i < output.Length; i++)
        {
            // As PTX's max: of a NaN and a number, the number.
            output[i] = x[i] > 0 ? x[i] : 0;
        }
    }
}
