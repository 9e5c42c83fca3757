using System.Globalization;
using System.Text;

namespace Troupe.Runtime.Engines.Kernels;

/// <summary>Writes the PTX of a built-in kernel: header, parameters and the thread's index around its body.</summary>
/// <remarks>Target <c>sm_50</c>, PTX 6.0: the driver compiles it for whatever GPU is there. In a body, <c>%r4</c> is the thread's index and
/// <c>DONE</c> the way out.</remarks>
internal static class KernelPtx
{
    public static byte[] Of(BuiltInKernel kernel)
    {
        StringBuilder text = new(".version 6.0\n.target sm_50\n.address_size 64\n\n");
        text.Append(CultureInfo.InvariantCulture, $".visible .entry {kernel.Name}(.param .u64 output");
        for (int input = 0; input < kernel.InputCount; input++)
        {
            text.Append(CultureInfo.InvariantCulture, $", .param .u64 input{input}");
        }

        foreach (string scalar in kernel.Scalars)
        {
            text.Append(CultureInfo.InvariantCulture, $", .param .f32 {scalar}");
        }

        text.Append(kernel.WorksOnRows ? ", .param .u32 width, .param .u32 count)\n{\n" : ", .param .u32 count)\n{\n");
        text.Append(
            """
            .reg .pred %p<4>;
            .reg .b32 %r<12>;
            .reg .f32 %f<12>;
            .reg .b64 %rd<16>;
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mad.lo.s32 %r4, %r1, %r2, %r3;
            ld.param.u32 %r5, [count];
            setp.ge.u32 %p1, %r4, %r5;
            @%p1 bra DONE;

            """
        );
        text.Append(kernel.Body);
        text.Append("\nDONE:\nret;\n}\n\0");
        return Encoding.ASCII.GetBytes(text.ToString());
    }
}
