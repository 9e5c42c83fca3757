using MessagePack;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Two versions of a message side by side: what either writes, the other reads.</summary>
public sealed class VersionToleranceTests
{
    [Fact]
    public void A_forward_of_an_older_node_gets_the_defaults_of_the_fields_it_lacks()
    {
        byte[] older = MessagePackSerializer.Serialize(
            new FirstForward(Sample.Id, Sample.Forward.Model, Sample.Forward.Inputs),
            WireTestBytes.Options,
            TestContext.Current.CancellationToken
        );

        Forward read = (Forward)WireFormat.Deserialize("fwd", older);

        Assert.Empty(read.Outputs);
        Assert.Equal(Forward.DefaultTimeLeft, read.TimeLeft);
        Assert.Null(read.Gpu);
        Assert.Null(read.Modes);
        Assert.Equal(Sample.Id, read.Id);
        Assert.Single(read.Inputs, tensor => tensor.Name == "x");
    }

    [Fact]
    public void Settings_of_an_older_node_get_the_defaults_of_the_fields_they_lack()
    {
        byte[] older = MessagePackSerializer.Serialize(
            new FirstSettings(CudaGraphsMode.Auto),
            WireTestBytes.Options,
            TestContext.Current.CancellationToken
        );

        ModeSettings read = MessagePackSerializer.Deserialize<ModeSettings>(
            older,
            WireTestBytes.Options,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(ModeSettings.Default with { CudaGraphs = CudaGraphsMode.Auto }, read);
    }

    [Fact]
    public void A_forward_of_a_newer_node_is_read_by_an_older_one()
    {
        byte[] newer = WireFormat.Serialize(Sample.Forward);

        FirstForward read = MessagePackSerializer.Deserialize<FirstForward>(
            newer,
            WireTestBytes.Options,
            TestContext.Current.CancellationToken
        );

        Assert.Equal(Sample.Id, read.Id);
        Assert.Equal(2, read.Inputs.Length);
    }

    [Fact]
    public void A_case_that_a_family_got_later_is_an_error_that_says_so()
    {
        WireException trouble = Assert.Throws<WireException>(() => WireFormat.Deserialize("frp", new byte[] { 0x92, 0x63, 0x90 }));
        Assert.Contains("a kind unknown here", trouble.Message, StringComparison.Ordinal);
    }

    [MessagePackObject]
    public sealed record FirstForward(
        [property: Key(0)] RequestId Id,
        [property: Key(1)] ModelReference Model,
        [property: Key(2)] Tensor[] Inputs
    );

    [MessagePackObject]
    public sealed record FirstSettings([property: Key(0)] CudaGraphsMode CudaGraphs);
}
