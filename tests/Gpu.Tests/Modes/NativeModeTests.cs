using Troupe.Gpu.Tests.Cuda;
using Troupe.Runtime.Platforms;
using Troupe.TestSupport.Modes;

namespace Troupe.Gpu.Tests.Modes;

/// <summary>The modes on this machine's real devices.</summary>
public sealed class NativeModeTests : ModeContract
{
    internal override Platform Open()
    {
        Assert.SkipUnless(NativeDriverFixture.Reason is null, NativeDriverFixture.Reason ?? "");
        return Platform.OpenCuda();
    }
}
