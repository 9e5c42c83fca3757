using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>y = a + b, float32, element by element; both inputs have one shape.</summary>
internal sealed class Add : BuiltInKernel
{
    public override string Name => "sum_f32";

    public override ElementType Input => ElementType.Fp32;

    public override int InputCount => 2;

    public override string Body =>
        """
            ld.param.u64 %rd1, [output];
            ld.param.u64 %rd2, [input0];
            ld.param.u64 %rd3, [input1];
            mul.wide.u32 %rd4, %r4, 4;
            add.s64 %rd5, %rd2, %rd4;
            add.s64 %rd6, %rd3, %rd4;
            add.s64 %rd7, %rd1, %rd4;
            ld.global.f32 %f1, [%rd5];
            ld.global.f32 %f2, [%rd6];
            add.rn.f32 %f3, %f1, %f2;
            st.global.f32 [%rd7], %f3;
            """;

    protected override void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments)
    {
        ReadOnlySpan<float> a = MemoryMarshal.Cast<byte, float>(first),
            b = MemoryMarshal.Cast<byte, float>(second);
        for (int i = 0; i < output.Length; i++)
        {
            output[i] = a[i] + b[i];
        }
    }
}
