using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Capture;
using Troupe.Runtime.Cuda.Emulated.Devices;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Capture;

/// <summary>Which calls a running capture forbids, by its mode and the calling thread's; a call that is refused breaks the
/// capture.</summary>
public sealed class CaptureTableTests : IDisposable
{
    private readonly EmulatedMachine _machine = new([new EmulatedDeviceOptions()])
    {
        IsStrict = false,
        HasVirtualClock = false,
        FaultsEndTheProcess = false,
    };

    private readonly CaptureTable _captures = new();
    private readonly CapturePlace _stream;
    private readonly HostThread _recording;
    private readonly HostThread _other;

    public CaptureTableTests()
    {
        _stream = new CapturePlace(_machine.Devices[0].Primary);
        _recording = new HostThread(_machine);
        _other = new HostThread(_machine);
    }

    [Theory]
    [InlineData(nameof(CuStreamCaptureMode.Global), true, true)]
    [InlineData(nameof(CuStreamCaptureMode.ThreadLocal), true, false)]
    [InlineData(nameof(CuStreamCaptureMode.Relaxed), false, false)]
    public void A_mode_forbids_calls_of_its_thread_and_of_others(string mode, bool own, bool foreign)
    {
        Assert.Equal(own, IsRefused(Enum.Parse<CuStreamCaptureMode>(mode), _recording));
        Assert.Equal(foreign, IsRefused(Enum.Parse<CuStreamCaptureMode>(mode), _other));
    }

    [Fact]
    public void A_thread_in_relaxed_mode_may_call_anything()
    {
        _recording.CaptureMode = _other.CaptureMode = CuStreamCaptureMode.Relaxed;
        Assert.False(IsRefused(CuStreamCaptureMode.Global, _recording));
        Assert.False(IsRefused(CuStreamCaptureMode.Global, _other));
    }

    [Fact]
    public void Waiting_for_the_context_is_refused_whatever_the_modes()
    {
        _captures.Begin(_stream, CuStreamCaptureMode.Relaxed, _recording);
        Assert.Equal(CuResult.StreamCaptureUnsupported, _captures.GuardContext(_stream.Context));
        Assert.True(_stream.Session!.IsInvalidated);
    }

    [Fact]
    public void A_capture_that_ended_forbids_nothing_and_lets_its_streams_go()
    {
        _captures.Begin(_stream, CuStreamCaptureMode.Global, _recording);
        CaptureSession session = _stream.Session!;
        var joined = new CapturePlace(_stream.Context);
        session.Join(joined, []);
        session.Add(joined, new StreamCommand { Kind = CommandKind.Nothing });
        Assert.True(session.HasUnjoinedWork());
        session.Merge(_stream, joined.Frontier);
        Assert.False(session.HasUnjoinedWork());
        _captures.End(session);
        _captures.End(session);
        Assert.Null(_stream.Session);
        Assert.Null(joined.Session);
        Assert.Equal(CuResult.Success, _captures.Guard(_other));
        Assert.Equal(CuResult.Success, _captures.GuardContext(_stream.Context));
    }

    public void Dispose() => _machine.Dispose();

    private bool IsRefused(CuStreamCaptureMode mode, HostThread caller)
    {
        _captures.Begin(_stream, mode, _recording);
        CaptureSession session = _stream.Session!;
        CuResult status = _captures.Guard(caller);
        Assert.Equal(status != CuResult.Success, session.IsInvalidated);
        _captures.End(session);
        return status == CuResult.StreamCaptureUnsupported;
    }
}
