using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Troupe.Hosting.Edge;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Http.Server;

/// <summary>A request's whole body in one leased block.</summary>
/// <remarks><b>Owns</b> its lease until <see cref="Dispose"/>; tensors that are parts of it have leases of their own.</remarks>
internal sealed class RequestBody : IDisposable
{
    /// <summary>Largest body of everything but inference.</summary>
    public const long Document = 1 << 20;

    /// <summary>An announced length reserves no more before any of it has come.</summary>
    private const int Announced = 1 << 20;

    /// <summary>How many times as much as has come is reserved, up to what was announced: whoever announces pays with bytes.</summary>
    private const long Trust = 8;

    private readonly RequestMemory _memory;
    private readonly long _most;
    private TensorLease? _lease;
    private int _length;

    private RequestBody(RequestMemory memory, long most) => (_memory, _most) = (memory, most);

    /// <summary>Valid until disposed.</summary>
    public ReadOnlyMemory<byte> Memory => _lease is { } lease ? lease.Memory[.._length] : default;

    /// <exception cref="BadHttpRequestException">The body is larger than allowed or was cut off.</exception>
    /// <exception cref="HostMemoryException">There is no room for it at present.</exception>
    public static ValueTask<RequestBody> ReadAsync(HttpContext context, RequestMemory memory, long most)
    {
        HttpRequest request = context.Request;
        most = Math.Min(most, Array.MaxLength);
        if (request.ContentLength is { } length && length > most)
        {
            throw TooLarge(most);
        }

        RequestBody body = new(memory, most);
        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return ValueTask.FromResult(body);
        }

        // The common case: the whole body came with the headers, and is copied without a state machine.
        if (request.ContentLength is > 0 and { } whole && request.BodyReader.TryRead(out ReadResult first))
        {
            body.Take(request.BodyReader, first.Buffer, (int)whole);
            if (body._length == whole)
            {
                return ValueTask.FromResult(body);
            }
        }

        return body.ReadSlowlyAsync(context);
    }

    public void Dispose()
    {
        _lease?.Release();
        _lease = null;
    }

    /// <exception cref="BadHttpRequestException">The body is too large, chunked wrongly, or comes too slowly.</exception>
    /// <exception cref="ConnectionResetException">The client went away in the middle of it.</exception>
    private async ValueTask<RequestBody> ReadSlowlyAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        int expected = (int)Math.Min(request.ContentLength ?? 0, _most);
        try
        {
            while (true)
            {
                // In this method, not in one of its own: of a large body hundreds of parts are waited for.
                ReadResult read = await request.BodyReader.ReadAsync(context.RequestAborted);
                bool hasTurn = false;
                try
                {
                    if (_length + read.Buffer.Length > _most)
                    {
                        throw TooLarge(_most);
                    }

                    if (Math.Max(expected, _length) > Announced)
                    {
                        await _memory.Turns.WaitAsync(context.RequestAborted);
                        hasTurn = true;
                    }

                    Append(read.Buffer, expected);
                }
                finally
                {
                    // Whatever became of the part: the server's reader is left so that it can read on.
                    request.BodyReader.AdvanceTo(read.Buffer.End);
                    if (hasTurn)
                    {
                        _memory.Turns.Release();
                    }
                }

                if (read.IsCompleted)
                {
                    context.Response.Headers.Remove(HeaderNames.Connection);
                    return this;
                }
            }
        }
        catch (BadHttpRequestException end) when (request.ContentLength is not null && end.StatusCode == StatusCodes.Status400BadRequest)
        {
            Dispose();
            throw new ConnectionResetException("the connection ended in the middle of a body", end);
        }
        catch (IOException chunks) when (chunks is not (BadHttpRequestException or ConnectionResetException))
        {
            Dispose();
            throw new BadHttpRequestException("the body is not chunked as HTTP/1.1 has it", StatusCodes.Status400BadRequest, chunks);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    private static BadHttpRequestException TooLarge(long most) =>
        new(
            most == Document
                ? $"the request body is larger than {most} bytes, the limit of every request but inference"
                : $"the request body is larger than {most} bytes, the limit of this node (--max-request)",
            StatusCodes.Status400BadRequest
        );

    /// <summary>Takes a part over; where there is no room for it the server's reader is left so that it can read on.</summary>
    private void Take(PipeReader reader, in ReadOnlySequence<byte> part, int expected)
    {
        try
        {
            Append(part, expected);
        }
        finally
        {
            reader.AdvanceTo(part.End);
        }
    }

    private void Append(in ReadOnlySequence<byte> part, int expected)
    {
        int needed = _length + (int)part.Length;
        if (needed > (_lease?.Length ?? 0))
        {
            Reserve(needed, expected);
        }

        if (needed > _length)
        {
            part.CopyTo(_lease!.GetSpan()[_length..]);
            _length = needed;
        }
    }

    /// <summary>Room for what has come and, as far as it is trusted, for what was announced; twice as much where nothing was. There has to
    /// be room for all that was announced: who would be refused at the end is refused now.</summary>
    private void Reserve(int needed, int expected)
    {
        if (expected > needed)
        {
            _memory.Budget.ThrowIfFull(expected, _lease?.Length ?? 0);
        }

        long trusted = Math.Max(Announced, Trust * _length);
        long room = expected > _length ? Math.Min(expected, trusted) : Math.Min(2L * _length, _most);
        room = Math.Max(needed, room);
        _lease = _lease is { } full ? _memory.Grow(full, room) : _memory.Lease(room);
    }
}
