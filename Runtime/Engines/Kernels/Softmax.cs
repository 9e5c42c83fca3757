using System.Runtime.InteropServices;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>Softmax over the last dimension, float32; one thread per row, the row's greatest value taken off first.</summary>
/// <remarks>The GPU computes powers with <c>ex2.approx</c>: results differ from the managed body's by about 1e-6.</remarks>
internal sealed class Softmax : BuiltInKernel
{
    public override string Name => "softmax_f32";

    public override ElementType Input => ElementType.Fp32;

    public override int InputCount => 1;

    public override bool WorksOnRows => true;

    public override string Body =>
        """
            ld.param.u64 %rd1, [output];
            ld.param.u64 %rd2, [input0];
            ld.param.u32 %r6, [width];
            setp.eq.u32 %p2, %r6, 0;
            @%p2 bra DONE;
            mul.lo.u32 %r7, %r4, %r6;
            mul.wide.u32 %rd3, %r7, 4;
            add.s64 %rd4, %rd2, %rd3;
            add.s64 %rd5, %rd1, %rd3;
            mov.u64 %rd6, %rd4;
            mov.f32 %f1, 0fFF800000;
            mov.u32 %r8, 0;
            GREATEST:
            ld.global.f32 %f2, [%rd6];
            max.f32 %f1, %f1, %f2;
            add.s64 %rd6, %rd6, 4;
            add.u32 %r8, %r8, 1;
            setp.lt.u32 %p3, %r8, %r6;
            @%p3 bra GREATEST;
            mov.u64 %rd6, %rd4;
            mov.u64 %rd7, %rd5;
            mov.f32 %f3, 0f00000000;
            mov.u32 %r8, 0;
            POWERS:
            ld.global.f32 %f2, [%rd6];
            sub.f32 %f4, %f2, %f1;
            mul.f32 %f5, %f4, 0f3FB8AA3B;
            ex2.approx.f32 %f6, %f5;
            st.global.f32 [%rd7], %f6;
            add.f32 %f3, %f3, %f6;
            add.s64 %rd6, %rd6, 4;
            add.s64 %rd7, %rd7, 4;
            add.u32 %r8, %r8, 1;
            setp.lt.u32 %p3, %r8, %r6;
            @%p3 bra POWERS;
            mov.u64 %rd7, %rd5;
            mov.u32 %r8, 0;
            SHARES:
            ld.global.f32 %f6, [%rd7];
            div.rn.f32 %f7, %f6, %f3;
            st.global.f32 [%rd7], %f7;
            add.s64 %rd7, %rd7, 4;
            add.u32 %r8, %r8, 1;
            setp.lt.u32 %p3, %r8, %r6;
            @%p3 bra SHARES;
            """;

    protected override void Compute(Span<float> output, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, in KernelArguments arguments)
    {
        int width = Width(in arguments);
        ReadOnlySpan<float> x = MemoryMarshal.Cast<byte, float>(first);
        for (int start = 0; width > 0 && start < output.Length; start += width)
        {
            ReadOnlySpan<float> row = x.Slice(start, width);
            Span<float> result = output.Slice(start, width);
            float greatest = float.NegativeInfinity,
                sum = 0;
            foreach (float value in row)
            {
                greatest = MathF.Max(greatest, value);
            }

            for (int i = 0; i < width; i++)
            {
                sum += result[i] = MathF.Exp(row[i] - greatest);
            }

            for (int i = 0; i < width; i++)
            {
                result[i] /= sum;
            }
        }
    }
}
