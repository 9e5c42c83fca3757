using Troupe.Hosting.Cli;
using Troupe.Hosting.Probes;
using Troupe.Messages.Failures;
using Troupe.Runtime.Cuda;
using Troupe.Runtime.Failures;

namespace Troupe.Hosting.Tests.Probes;

/// <summary>What a process that tries a model says, and what is made of it.</summary>
public sealed class ProbeReportTests
{
    public static TheoryData<Exception, FailureKind, string> Ends =>
        new()
        {
            { new ModuleLoadException(FailureKind.NotSupported, "No."), FailureKind.NotSupported, "No." },
            { new ForwardException(FailureKind.DeviceLost, "Gone."), FailureKind.DeviceLost, "Gone." },
            { new OutOfMemoryException(), FailureKind.InvalidModel, "'m.onnx' needs more memory to be loaded than this machine has left." },
            { new IOException("it is torn."), FailureKind.InvalidModel, "'m.onnx' cannot be read: it is torn." },
            { new UnauthorizedAccessException("denied."), FailureKind.InvalidModel, "'m.onnx' cannot be read: denied." },
            { new InvalidOperationException("odd."), FailureKind.Internal, "'m.onnx' was not loaded: odd." },
        };

    [Theory, MemberData(nameof(Ends))]
    public void Whatever_a_trial_ends_with_is_reported_in_words(Exception end, FailureKind kind, string detail)
    {
        ProbeReport report = TryModelCommand.Report("m.onnx", () => throw end);
        Assert.Equal((kind, detail), (report.Kind, report.Detail));
        Assert.Equal(report, ProbeReport.Parse(report.ToLine()));
    }

    [Fact]
    public void A_refused_driver_call_is_reported_too() =>
        Assert.Equal(
            FailureKind.Internal,
            TryModelCommand.Report("m.onnx", () => throw new CudaException(CuResult.OutOfMemory, "MemAlloc")).Kind
        );

    [Theory]
    [InlineData("", "")]
    [InlineData("corrupted size vs. prev_size\n", " ('corrupted size vs. prev_size')")]
    [InlineData(
        "real words\nUnhandled exception. Troupe.Odd: x\n   at Troupe.A.B()\n --- End of inner\nSystem.IO.IOException: y\n",
        " ('real words')"
    )]
    [InlineData("   at Troupe.A.B()\n", "")]
    public void Of_what_a_process_wrote_at_its_end_a_line_for_people_is_told(string error, string told) =>
        Assert.Contains($": exit code 3{told}. The node", ProbeEnd.Died("m", "p", 3, error).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(9_999, 10_000, 9_999, true)]
    [InlineData(10_000, 10_000, 10_000, true)]
    [InlineData(10_001, 10_000, 10_000, false)]
    [InlineData(50_000, 10_000, 10_000, false)]
    public async Task The_beginning_of_what_is_written_is_kept_and_more_is_known_to_have_been_written(
        int written,
        int most,
        int kept,
        bool isWhole
    )
    {
        using StringReader reader = new("a" + new string('b', written - 1));
        BoundedText text = await BoundedText.ReadAsync(reader, most);
        Assert.Equal((kept, 'a', isWhole, -1), (text.Text.Length, text.Text[0], text.IsWhole, reader.Read()));
    }
}
