using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Tests.Http.Server;

/// <summary>What the server says of a body while it is read, and who is told.</summary>
public sealed class RequestBodyTests
{
    [Theory]
    [InlineData(StatusCodes.Status400BadRequest, true)]
    [InlineData(StatusCodes.Status408RequestTimeout, false)]
    [InlineData(StatusCodes.Status413PayloadTooLarge, false)]
    public async Task Only_a_body_that_breaks_off_leaves_nobody_to_answer(int status, bool hasGone)
    {
        DefaultHttpContext context = new();
        context.Request.ContentLength = 100;
        context.Features.Set<IRequestBodyPipeFeature>(new Refused(new BadHttpRequestException("the server's words", status)));

        Exception? told = await Record.ExceptionAsync(() => RequestBody.ReadAsync(context, TestMemory.Requests, 1000).AsTask());

        Assert.Equal(hasGone, told is ConnectionResetException);
        Assert.Equal(hasGone ? null : status, (told as BadHttpRequestException)?.StatusCode);
    }

    private sealed class Refused(BadHttpRequestException refusal) : PipeReader, IRequestBodyPipeFeature
    {
        public PipeReader Reader => this;

        public override bool TryRead(out ReadResult result)
        {
            result = default;
            return false;
        }

        public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) =>
            ValueTask.FromException<ReadResult>(refusal);

        public override void AdvanceTo(SequencePosition consumed) { }

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) { }

        public override void CancelPendingRead() { }

        public override void Complete(Exception? exception = null) { }
    }
}
