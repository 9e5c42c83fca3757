using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Memory;

namespace Troupe.Runtime.Tests.Cuda;

/// <summary>The owned storey: entries restore the caller's stack, children hold their parent, Dispose records and the next call
/// reports.</summary>
public sealed class DeviceContextTests : IDisposable
{
    private readonly EmulatedCudaDriver _driver = new(EmulatedDriverOptions.WithDevices(2));

    public void Dispose() => _driver.Dispose();

    [Fact]
    public void An_entry_leaves_the_callers_stack_as_it_was()
    {
        using var first = DeviceContext.Retain(_driver, 0);
        using var second = DeviceContext.Retain(_driver, 1);
        using (first.Enter())
        {
            using (second.Enter())
            {
                Assert.Equal(second.Handle, Current());
            }

            Assert.Equal(first.Handle, Current());
        }

        Assert.True(Current().IsNull);
    }

    [Fact]
    public void An_entry_undoes_what_code_below_did_to_the_current_context()
    {
        using var first = DeviceContext.Retain(_driver, 0);
        using var second = DeviceContext.Retain(_driver, 1);
        using (first.Enter())
        {
            using (second.Enter())
            {
                _driver.CtxSetCurrent(first.Handle);
            }

            Assert.Equal(first.Handle, Current());
            using (second.Enter())
            {
                _driver.CtxPushCurrent(second.Handle);
                _driver.CtxPushCurrent(second.Handle);
            }

            Assert.Equal(first.Handle, Current());
        }

        Assert.True(Current().IsNull);
    }

    [Fact]
    public void An_entry_is_left_also_when_the_work_throws()
    {
        using var context = DeviceContext.Retain(_driver, 0);
        Assert.Throws<InvalidOperationException>(() => EnterAndThrow(context));
        Assert.True(Current().IsNull);
    }

    [Fact]
    public void Children_hold_their_context_alive()
    {
        var context = DeviceContext.Retain(_driver, 0);
        var stream = DeviceStream.Create(context);
        var buffer = DeviceBuffer.Allocate(context, 64);
        context.Dispose();
        _driver.DevicePrimaryCtxGetState(context.Device, out bool active);
        Assert.True(active);
        buffer.Dispose();
        stream.Dispose();
        _driver.DevicePrimaryCtxGetState(context.Device, out active);
        Assert.False(active);
        Assert.Empty(_driver.Alive());
        Assert.Throws<ObjectDisposedException>(() => DeviceStream.Create(context));
    }

    [Fact]
    public void Everything_owned_is_given_back()
    {
        using (var context = DeviceContext.Retain(_driver, 0))
        using (var stream = DeviceStream.Create(context))
        using (var @event = DeviceEvent.Create(context))
        using (var pinned = PinnedBuffer.Allocate(context, 64))
        using (var plain = DeviceBuffer.Allocate(context, 64))
        using (context.Enter())
        {
            pinned.Part(0, 1)[0] = 42;
            stream.BeginCapture();
            stream.CopyToDevice(plain.Pointer, pinned.Pointer.Address, 64);
            using RecordedGraph graph = stream.EndCapture();
            using GraphExecutable executable = graph.Instantiate();
            Assert.Equal(1, graph.NodeCount);
            executable.Launch(stream);
            @event.Record(stream);
            stream.WaitFor(@event);
            @event.Synchronize();
            Assert.True(@event.IsDone() && stream.IsDone());
        }

        Assert.Empty(_driver.Alive());
        Assert.Equal(0, _driver.Snapshot(0).BytesInUse);
    }

    [Theory]
    [InlineData("an event is asked")]
    [InlineData("an event is waited for")]
    [InlineData("a stream is asked")]
    [InlineData("a stream is waited for")]
    [InlineData("a block is lent")]
    public void A_thread_s_first_call_leaves_what_another_records_in_global_mode_whole(string call)
    {
        var devices = new DeviceAllocators(_driver);
        using BlockPool pool = devices.Open(0);
        using var used = DeviceStream.Create(pool.Device);
        using var records = DeviceStream.Create(pool.Device);
        using var @event = DeviceEvent.Create(pool.Device);
        DeviceBlock block = pool.Rent(512, used);
        block.Return(block.Generation);
        using ContextEntry entry = pool.Device.Enter();
        @event.Record(used);
        records.BeginCapture(CuStreamCaptureMode.Global);
        Exception? trouble = null;
        var other = new Thread(() => trouble = Record.Exception(Act));
        other.Start();
        Assert.True(other.Join(TimeSpan.FromSeconds(30)));

        records.EndCapture().Dispose();
        Assert.Null(trouble);

        void Act()
        {
            switch (call)
            {
                case "an event is asked":
                    Assert.True(@event.IsDone());
                    break;
                case "an event is waited for":
                    @event.Synchronize();
                    break;
                case "a stream is asked":
                    Assert.True(used.IsDone());
                    break;
                case "a stream is waited for":
                    used.Synchronize();
                    break;
                default:
                    pool.Rent(512, records);
                    break;
            }
        }
    }

    [Fact]
    public void A_dispose_that_fails_records_and_the_next_call_reports()
    {
        using var context = DeviceContext.Retain(_driver, 0);
        var stream = DeviceStream.Create(context);
        _driver.StreamDestroy(stream.Handle);
        stream.Dispose();
        CudaException error = Assert.Throws<CudaException>(() => DeviceStream.Create(context));
        Assert.Equal((CuResult.InvalidHandle, "StreamDestroy"), (error.Status, error.Call));
        Assert.False(error.IsContextFatal);
        DeviceStream.Create(context).Dispose();
    }

    [Fact]
    public void A_failed_call_is_an_exception_that_names_the_call()
    {
        using var context = DeviceContext.Retain(_driver, 0);
        CudaException error = Assert.Throws<CudaException>(() => DeviceBuffer.Allocate(context, 1UL << 45));
        Assert.Equal((CuResult.OutOfMemory, "MemAlloc"), (error.Status, error.Call));
        Assert.Contains("CUDA_ERROR_OUT_OF_MEMORY", error.Message, StringComparison.Ordinal);
        DeviceBuffer.Allocate(context, 64).Dispose();
        CudaException missing = Assert.Throws<CudaException>(() => DeviceContext.Retain(_driver, 7));
        Assert.Equal(CuResult.InvalidDevice, missing.Status);
    }

    [Fact]
    public void A_refused_image_names_its_kernel()
    {
        using var context = DeviceContext.Retain(_driver, 0);
        CudaException error = Assert.Throws<CudaException>(() =>
            KernelImage.Load(context, ".version 6.0\n.target sm_50\n.visible .entry lonely(){ret;}"u8)
        );
        Assert.Equal(CuResult.InvalidPtx, error.Status);
        Assert.Contains("lonely", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_lost_device_is_fatal_and_disposing_still_throws_nothing()
    {
        var context = DeviceContext.Retain(_driver, 0);
        var stream = DeviceStream.Create(context);
        var buffer = DeviceBuffer.Allocate(context, 64);
        _driver.FailDevice(0);
        CudaException error = Assert.Throws<CudaException>(stream.Synchronize);
        Assert.True(error.IsContextFatal);
        buffer.Dispose();
        stream.Dispose();
        context.Dispose();
        Assert.Empty(_driver.Alive());
        Assert.Equal(0, _driver.Snapshot(0).BytesInUse);
    }

    private static void EnterAndThrow(DeviceContext context)
    {
        using ContextEntry entry = context.Enter();
        throw new InvalidOperationException("no");
    }

    private CuContext Current()
    {
        Assert.Equal(CuResult.Success, _driver.CtxGetCurrent(out CuContext current));
        return current;
    }
}
