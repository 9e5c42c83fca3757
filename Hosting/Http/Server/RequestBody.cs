using System.Buffers;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace Troupe.Hosting.Http.Server;

/// <summary>A request's whole body in one pooled array.</summary>
/// <remarks><b>Owns</b> the array until <see cref="Dispose"/>, or for good after <see cref="Abandon"/>.</remarks>
internal sealed class RequestBody : IDisposable
{
    private const int Announced = 1 << 20;

    private byte[]? _array;
    private int _length;

    public ReadOnlyMemory<byte> Memory => _array.AsMemory(0, _length);

    /// <exception cref="BadHttpRequestException">The body is larger than allowed or was cut off.</exception>
    public static ValueTask<RequestBody> ReadAsync(HttpContext context, long most)
    {
        HttpRequest request = context.Request;
        most = Math.Min(most, Array.MaxLength);
        if (request.ContentLength is { } length && length > most)
        {
            throw TooLarge(most);
        }

        if (context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return ValueTask.FromResult(new RequestBody());
        }

        // The common case: the whole body came with the headers, and is copied without a state machine.
        if (request.ContentLength is > 0 and { } whole && request.BodyReader.TryRead(out ReadResult first))
        {
            if (first.Buffer.Length == whole)
            {
                RequestBody body = new();
                body.Append(first.Buffer, (int)whole);
                request.BodyReader.AdvanceTo(first.Buffer.End);
                return ValueTask.FromResult(body);
            }

            request.BodyReader.AdvanceTo(first.Buffer.Start, first.Buffer.End);
        }

        return ReadSlowlyAsync(context, most);
    }

    /// <summary>Somebody may still read the array: it is left to the collector instead of the pool.</summary>
    public void Abandon() => (_array, _length) = (null, 0);

    public void Dispose()
    {
        if (_array is { } array)
        {
            Abandon();
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    private static async ValueTask<RequestBody> ReadSlowlyAsync(HttpContext context, long most)
    {
        HttpRequest request = context.Request;
        RequestBody body = new();
        int expected = (int)Math.Min(request.ContentLength ?? 0, most);
        try
        {
            while (true)
            {
                ReadResult read = await ReadPartAsync(request, context.RequestAborted);
                if (body._length + read.Buffer.Length > most)
                {
                    throw TooLarge(most);
                }

                body.Append(read.Buffer, expected);
                request.BodyReader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    if (request.ContentLength is null)
                    {
                        context.Response.Headers.Remove(HeaderNames.Connection);
                    }

                    return body;
                }
            }
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <exception cref="BadHttpRequestException">The body is chunked wrongly, or comes too slowly.</exception>
    /// <exception cref="ConnectionResetException">The client went away in the middle of it.</exception>
    private static async ValueTask<ReadResult> ReadPartAsync(HttpRequest request, CancellationToken aborted)
    {
        try
        {
            return await request.BodyReader.ReadAsync(aborted);
        }
        catch (BadHttpRequestException end) when (request.ContentLength is not null && end.StatusCode == StatusCodes.Status400BadRequest)
        {
            throw new ConnectionResetException("the connection ended in the middle of a body", end);
        }
        catch (IOException chunks) when (chunks is not (BadHttpRequestException or ConnectionResetException))
        {
            throw new BadHttpRequestException("the body is not chunked as HTTP/1.1 has it", StatusCodes.Status400BadRequest, chunks);
        }
    }

    private static BadHttpRequestException TooLarge(long most) =>
        new($"the request body is larger than {most} bytes, the limit of this node (--max-request)", StatusCodes.Status400BadRequest);

    /// <summary>An announced length reserves <see cref="Announced"/> bytes at most; the rest of the room comes with the bytes.</summary>
    private void Append(in ReadOnlySequence<byte> part, int expected)
    {
        int needed = _length + (int)part.Length;
        if (_array is null || _array.Length < needed)
        {
            long room = Math.Max(Math.Min(expected, Announced), Math.Min(2L * _length, Array.MaxLength));
            byte[] larger = ArrayPool<byte>.Shared.Rent((int)Math.Max(needed, room));
            _array.AsSpan(0, _length).CopyTo(larger);
            if (_array is { } old)
            {
                ArrayPool<byte>.Shared.Return(old);
            }

            _array = larger;
        }

        part.CopyTo(_array.AsSpan(_length));
        _length = needed;
    }
}
