using System.Text;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.TestSupport.Cuda;

/// <summary>Three tiny kernels with two bodies each: PTX for a GPU, managed code for emulated devices.</summary>
internal static class ContractKernels
{
    public const string Add = "add_f32";
    public const string Fill = "fill_u32";
    public const string Increase = "increase_u32";

    private const string Text = """
        .version 6.0
        .target sm_50
        .address_size 64

        .visible .entry add_f32(.param .u64 sum, .param .u64 left, .param .u64 right, .param .u32 count)
        {
            .reg .pred %p<2>;
            .reg .b32 %r<6>;
            .reg .f32 %f<4>;
            .reg .b64 %rd<8>;
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mad.lo.s32 %r4, %r1, %r2, %r3;
            ld.param.u32 %r5, [count];
            setp.ge.u32 %p1, %r4, %r5;
            @%p1 bra DONE;
            ld.param.u64 %rd1, [sum];
            ld.param.u64 %rd2, [left];
            ld.param.u64 %rd3, [right];
            mul.wide.u32 %rd4, %r4, 4;
            add.s64 %rd5, %rd2, %rd4;
            add.s64 %rd6, %rd3, %rd4;
            add.s64 %rd7, %rd1, %rd4;
            ld.global.f32 %f1, [%rd5];
            ld.global.f32 %f2, [%rd6];
            add.f32 %f3, %f1, %f2;
            st.global.f32 [%rd7], %f3;
        DONE:
            ret;
        }

        .visible .entry fill_u32(.param .u64 destination, .param .u32 value, .param .u32 count)
        {
            .reg .pred %p<2>;
            .reg .b32 %r<7>;
            .reg .b64 %rd<4>;
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mad.lo.s32 %r4, %r1, %r2, %r3;
            ld.param.u32 %r5, [count];
            setp.ge.u32 %p1, %r4, %r5;
            @%p1 bra DONE;
            ld.param.u64 %rd1, [destination];
            ld.param.u32 %r6, [value];
            mul.wide.u32 %rd2, %r4, 4;
            add.s64 %rd3, %rd1, %rd2;
            st.global.u32 [%rd3], %r6;
        DONE:
            ret;
        }

        .visible .entry increase_u32(.param .u64 values, .param .u32 by, .param .u32 count)
        {
            .reg .pred %p<2>;
            .reg .b32 %r<9>;
            .reg .b64 %rd<4>;
            mov.u32 %r1, %ctaid.x;
            mov.u32 %r2, %ntid.x;
            mov.u32 %r3, %tid.x;
            mad.lo.s32 %r4, %r1, %r2, %r3;
            ld.param.u32 %r5, [count];
            setp.ge.u32 %p1, %r4, %r5;
            @%p1 bra DONE;
            ld.param.u64 %rd1, [values];
            ld.param.u32 %r6, [by];
            mul.wide.u32 %rd2, %r4, 4;
            add.s64 %rd3, %rd1, %rd2;
            ld.global.u32 %r7, [%rd3];
            add.u32 %r8, %r7, %r6;
            st.global.u32 [%rd3], %r8;
        DONE:
            ret;
        }
        """;

    /// <summary>The image, ended by a zero byte as the driver wants text.</summary>
    public static byte[] Ptx { get; } = Encoding.ASCII.GetBytes(Text + "\n\0");

    /// <summary>Registers the managed bodies.</summary>
    public static void Register(EmulatedCudaDriver driver)
    {
        driver.RegisterKernel(Add, new AddBody());
        driver.RegisterKernel(Fill, new FillBody());
        driver.RegisterKernel(Increase, new IncreaseBody());
    }

    private static ulong Count(in KernelArguments arguments, int index) => Math.Min(arguments.Get<uint>(index), arguments.ThreadsX);

    private sealed unsafe class AddBody : ManagedKernelBody
    {
        public override IReadOnlyList<int> ParameterSizes { get; } = [8, 8, 8, 4];

        public override void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses)
        {
            ulong bytes = Count(in arguments, 3) * sizeof(float);
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(0), bytes, AccessKind.Write));
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(1), bytes, AccessKind.Read));
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(2), bytes, AccessKind.Read));
        }

        public override CuResult Run(in KernelArguments arguments, IEmulatedMemory memory)
        {
            ulong count = Count(in arguments, 3);
            float* sum = (float*)memory.Resolve(arguments.Get<DevicePointer>(0), count * sizeof(float));
            float* left = (float*)memory.Resolve(arguments.Get<DevicePointer>(1), count * sizeof(float));
            float* right = (float*)memory.Resolve(arguments.Get<DevicePointer>(2), count * sizeof(float));
            for (ulong i = 0; i < count; i++)
            {
                sum[i] = left[i] + right[i];
            }

            return CuResult.Success;
        }
    }

    private sealed unsafe class FillBody : ManagedKernelBody
    {
        public override IReadOnlyList<int> ParameterSizes { get; } = [8, 4, 4];

        public override void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses) =>
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(0), Count(in arguments, 2) * sizeof(uint), AccessKind.Write));

        public override CuResult Run(in KernelArguments arguments, IEmulatedMemory memory)
        {
            ulong count = Count(in arguments, 2);
            uint* values = (uint*)memory.Resolve(arguments.Get<DevicePointer>(0), count * sizeof(uint));
            for (ulong i = 0; i < count; i++)
            {
                values[i] = arguments.Get<uint>(1);
            }

            return CuResult.Success;
        }
    }

    private sealed unsafe class IncreaseBody : ManagedKernelBody
    {
        public override IReadOnlyList<int> ParameterSizes { get; } = [8, 4, 4];

        public override void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses) =>
            accesses.Add(new DeviceAccess(arguments.Get<DevicePointer>(0), Count(in arguments, 2) * sizeof(uint), AccessKind.ReadWrite));

        public override CuResult Run(in KernelArguments arguments, IEmulatedMemory memory)
        {
            ulong count = Count(in arguments, 2);
            uint* values = (uint*)memory.Resolve(arguments.Get<DevicePointer>(0), count * sizeof(uint));
            for (ulong i = 0; i < count; i++)
            {
                values[i] += arguments.Get<uint>(1);
            }

            return CuResult.Success;
        }
    }
}
