using System.Diagnostics;
using System.Net.Sockets;

namespace Troupe.Hosting.Bench;

/// <summary>One connection of a load, with one request on its way; made anew when it breaks.</summary>
/// <remarks><b>Owns</b> its socket. A bare one, so that the generator costs little of what it measures. <b>Thread</b> one at a
/// time.</remarks>
internal sealed class LoadClient(LoadSpec spec) : IDisposable
{
    private readonly LoadAnswer _answer = new();
    private Socket? _socket;

    /// <summary>Time of each call, of one that failed too.</summary>
    public List<double> Micros { get; } = new(1 << 14);

    public long Failed { get; private set; }

    /// <summary>What the first call that failed was answered with, or how it broke.</summary>
    public string? FirstError { get; private set; }

    /// <exception cref="SocketException">Nobody listens at the target.</exception>
    public async Task ConnectAsync(CancellationToken end)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(spec.Target, end);
            _socket = socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Until the time is up, or the calls are done; a call that is on its way then is cut off and not counted, unless it was
    /// the first.</summary>
    public async Task RunAsync(CancellationToken end)
    {
        while (!end.IsCancellationRequested && Micros.Count < spec.MostCalls && await TryCallAsync(end)) { }

        if (Micros.Count == 0 && Failed == 0)
        {
            Fail($"no answer within {spec.Duration.TotalSeconds:0.###} s");
        }
    }

    public void Dispose() => Close();

    /// <summary>False when there is no use in another call.</summary>
    private async Task<bool> TryCallAsync(CancellationToken end)
    {
        bool connected = false;
        long sent = Stopwatch.GetTimestamp();
        try
        {
            if (_socket is null)
            {
                await ConnectAsync(end);
            }

            connected = true;
            await _socket!.SendAsync(spec.Request, end);
            await _answer.ReadAsync(_socket, end);
            Micros.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            if (!_answer.Succeeded)
            {
                Fail(_answer.Error);
            }

            if (_answer.Closes)
            {
                Close();
            }

            return true;
        }
        catch (OperationCanceledException) when (end.IsCancellationRequested)
        {
            return false;
        }
        catch (Exception broken) when (broken is IOException or SocketException)
        {
            Micros.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
            Fail(broken.Message);
            Close();
            return connected;
        }
    }

    private void Fail(string error)
    {
        Failed++;
        FirstError ??= error;
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }
}
