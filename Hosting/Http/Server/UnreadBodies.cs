using System.IO.Pipelines;

namespace Troupe.Hosting.Http.Server;

/// <summary>What clients go on sending of large bodies after they have had their answer: it is read and thrown away, so that whoever sends
/// all before it reads gets its answer, but slowly, all clients together at one pace, so that answering none of it stays cheap.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class UnreadBodies(TimeProvider time)
{
    /// <summary>A body that is announced as no longer is read on by the server itself, and its connection goes on.</summary>
    public const long Small = 1 << 20;

    /// <summary>Bytes in a second, of all clients together.</summary>
    public const long Pace = 64L << 20;

    /// <summary>How long a client may go on; who has not read its answer by then loses the connection.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>When the next part may be read.</summary>
    private long _next;

    /// <summary>Reads on until the body ends or the client goes; the connection is closed when patience is at its end.</summary>
    public Task ReadOnAsync(HttpContext context)
    {
        PipeReader body = context.Request.BodyReader;
        TimeSpan turn = TimeSpan.Zero;
        try
        {
            if (body.TryRead(out ReadResult read))
            {
                turn = Turn(read.Buffer.Length);
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return Task.CompletedTask;
                }
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException)
        {
            // The server closes the connection itself where the body is no body, or the client has gone.
            return Task.CompletedTask;
        }

        return ReadSlowlyAsync(context, body, turn);
    }

    private async Task ReadSlowlyAsync(HttpContext context, PipeReader body, TimeSpan turn)
    {
        using CancellationTokenSource bound = new(Patience, time);
        using CancellationTokenRegistration gone = context.RequestAborted.UnsafeRegister(
            static bound => ((CancellationTokenSource)bound!).Cancel(),
            bound
        );
        try
        {
            await context.Response.CompleteAsync();
            while (true)
            {
                await Task.Delay(turn, time, bound.Token);
                ReadResult read = await body.ReadAsync(bound.Token);
                turn = Turn(read.Buffer.Length);
                body.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
        catch (IOException)
        {
            // As above.
        }
    }

    /// <summary>How long to wait for so many bytes' turn, behind those of others; never longer than patience, because whoever waits that
    /// long is closed, and its bytes are not to be waited for by those who come after.</summary>
    private TimeSpan Turn(long bytes)
    {
        long takes = (long)(bytes * (double)time.TimestampFrequency / Pace),
            longest = (long)(Patience.TotalSeconds * time.TimestampFrequency);
        while (true)
        {
            long next = Interlocked.Read(ref _next),
                now = time.GetTimestamp(),
                ends = Math.Min(Math.Max(next, now) + takes, now + longest);
            if (Interlocked.CompareExchange(ref _next, ends, next) == next)
            {
                return time.GetElapsedTime(now, ends);
            }
        }
    }
}
