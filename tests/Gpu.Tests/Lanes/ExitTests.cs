using System.Diagnostics;
using Troupe.Gpu.Tests.Cuda;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Instances;
using Troupe.Runtime.Lanes;
using Troupe.Runtime.Modules;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Specs;
using Troupe.TestSupport.Kernels;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Gpu.Tests.Lanes;

/// <summary>A process that ends while forwards are in flight on a real device, whose wakes the driver may still call: it ends as it meant
/// to, and by no fault of memory.</summary>
public sealed class ExitTests
{
    private const string Way = "TROUPE_EXIT_WAY";

    [Theory]
    [InlineData("return", 0)]
    [InlineData("exit", 17)]
    [InlineData("abort", 134)]
    public async Task A_process_ends_with_forwards_in_flight_as_it_meant_to(string way, int code)
    {
        Assert.SkipUnless(NativeDriverFixture.Reason is null, NativeDriverFixture.Reason ?? "");
        for (int round = 0; round < 10; round++)
        {
            ProcessStartInfo start = new(
                Environment.ProcessPath!,
                ["-method", $"*{nameof(ExitTests)}.{nameof(Ends_with_forwards_in_flight)}"]
            )
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            start.WithoutSettings().Environment[Way] = way;
            using Process process = Process.Start(start)!;
            Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == code, $"round {round}: {process.ExitCode}\n{output}\n{await error}");
        }
    }

    [Fact]
    public void Ends_with_forwards_in_flight()
    {
        string? way = Environment.GetEnvironmentVariable(Way);
        Assert.SkipWhen(way is null, "It ends its process: the test beside it runs it in one of its own.");

        // Nothing is disposed of, as in a process that ends in the midst of its work.
        ModuleFolder folder = new();
        var platform = Platform.OpenCuda();
        platform.OpenGroup(0);
        IModuleInstance instance = platform.Load(
            new ModuleSource(new ModelReference("kernels", 1), KernelChain.Write(folder)),
            0,
            new InstanceOptions(),
            TestContext.Current.CancellationToken
        );
        Tensor pixels = KernelChain.Pixels(4096, 1);
        while (instance.TryLease(out ILane lane))
        {
            lane.Submit([new LaneForward([pixels], [])], ModeSettings.Default, static () => { });
        }

        if (way == "exit")
        {
            Environment.Exit(17);
        }
        else if (way == "abort")
        {
            Environment.FailFast("The process ends by this.");
        }
    }
}
