using System.Text;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Devices;
using Troupe.Runtime.Cuda.Emulated.Kernels;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Kernels;

/// <summary>What an image must hold for an emulated device to load it, and what its refusal says.</summary>
public sealed class KernelImageReaderTests : IDisposable
{
    private const string Head = ".version 8.0\n.target sm_70\n.address_size 64\n";

    private readonly EmulatedMachine _machine = new([new EmulatedDeviceOptions()])
    {
        IsStrict = false,
        HasVirtualClock = false,
        FaultsEndTheProcess = false,
    };

    private readonly Dictionary<string, ManagedKernelBody> _bodies = new(StringComparer.Ordinal)
    {
        ["first"] = new NoKernel(),
        ["second"] = new NoKernel(),
    };

    [Fact]
    public void Every_entry_of_a_text_becomes_a_kernel()
    {
        (CuResult status, EmulatedImage image, _) = Read(Head + ".visible .entry first() { ret; }\n.visible .entry second() { ret; }\0");
        Assert.Equal(CuResult.Success, status);
        Assert.Equal(["first", "second"], image.Kernels.Keys.Order());
        Assert.Equal(70, image.PtxTarget);
    }

    [Theory]
    [InlineData("no text of PTX", CuResult.InvalidImage, "neither PTX text nor an ELF image")]
    [InlineData(".version 8.0\n.entry first() {}", CuResult.InvalidPtx, "at least one is missing")]
    [InlineData(".version 10.0\n.target sm_70\n", CuResult.UnsupportedPtxVersion, "newer than 9")]
    [InlineData(".version 8.0\n.target sm_120\n", CuResult.InvalidPtx, "the device has sm_90")]
    [InlineData(Head + ".entry third() {}", CuResult.InvalidPtx, "'third' has no managed body")]
    [InlineData(Head + ".entry first() {", CuResult.InvalidPtx, "a brace is missing")]
    [InlineData("\u007fELF", CuResult.InvalidImage, "no kernel that has a managed body")]
    public void A_refusal_says_what_is_missing(string text, CuResult status, string why)
    {
        (CuResult refused, _, string log) = Read(text);
        Assert.Equal(status, refused);
        Assert.Contains(why, log, StringComparison.Ordinal);
    }

    [Fact]
    public void An_elf_image_holds_the_kernels_whose_sections_it_names()
    {
        (CuResult status, EmulatedImage image, _) = Read("\u007fELF\0.text.second\0");
        Assert.Equal(CuResult.Success, status);
        Assert.Equal(["second"], image.Kernels.Keys);
    }

    public void Dispose() => _machine.Dispose();

    private (CuResult Status, EmulatedImage Image, string Log) Read(string text)
    {
        var image = new EmulatedImage(_machine.Devices[0].Primary);
        CuResult status = KernelImageReader.Read(Encoding.UTF8.GetBytes(text), image, _bodies, out string log);
        return (status, image, log);
    }

    private sealed class NoKernel : ManagedKernelBody
    {
        public override IReadOnlyList<int> ParameterSizes => [];

        public override void DescribeAccesses(in KernelArguments arguments, List<DeviceAccess> accesses) { }

        public override CuResult Run(in KernelArguments arguments, IEmulatedMemory memory) => CuResult.Success;
    }
}
