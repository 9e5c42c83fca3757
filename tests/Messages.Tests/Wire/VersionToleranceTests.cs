using MessagePack;
using Troupe.Messages.Failures;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
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
    public void A_case_that_a_family_got_later_is_a_failure_of_an_unknown_kind_that_keeps_its_request()
    {
        byte[] known = WireFormat.Serialize(new ForwardReply.Failed(Sample.Id, FailureKind.QueueFull, "full"));
        known[1] = 0x63;

        ForwardReply.Failed read = Assert.IsType<ForwardReply.Failed>(WireFormat.Deserialize("frp", known));

        Assert.Equal((Sample.Id, FailureKind.Unknown), (read.Id, read.Kind));
        Assert.Contains("kind 99", read.Detail, StringComparison.Ordinal);
        Assert.Equal(
            FailureKind.Unknown,
            Assert.IsType<ModelReply.Failed>(WireFormat.Deserialize("mdrp", new byte[] { 0x92, 0x63, 0x90 })).Kind
        );
        Assert.Equal(
            FailureKind.Unknown,
            Assert.IsType<ModeReply.Refused>(WireFormat.Deserialize("mrep", new byte[] { 0x92, 0x63, 0x90 })).Kind
        );
    }

    [Fact]
    public void A_number_above_the_known_ones_is_unknown_and_the_rest_of_the_message_is_kept()
    {
        NodeSnapshot sent = Sample.All.OfType<NodeSnapshot>().Single();
        byte[] later = WireTestBytes.WriteUnchecked(
            sent with
            {
                Gpus = [sent.Gpus[0] with { Health = (GpuHealth)77 }],
                Models =
                [
                    sent.Models[0] with
                    {
                        State = (ModelState)78,
                        Inputs = [sent.Models[0].Inputs[0] with { Type = (ElementType)79 }],
                    },
                ],
            }
        );

        NodeSnapshot read = (NodeSnapshot)WireFormat.Deserialize("nsn", later);

        Assert.Equal((GpuHealth.Unknown, ModelState.Unknown), (read.Gpus[0].Health, read.Models[0].State));
        Assert.Equal(sent.Models[0].Inputs[0] with { Type = ElementType.Unknown }, read.Models[0].Inputs[0]);
        Assert.Equal((sent.Gpus[0].Name, sent.Models[0].Model, sent.Version), (read.Gpus[0].Name, read.Models[0].Model, read.Version));
        Assert.Equal(MessageText.Of(read), MessageText.Of(WireFormat.Deserialize("nsn", WireFormat.Serialize(read))));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-2)]
    public void A_number_that_no_version_gives_a_name_is_refused(int number)
    {
        byte[] forged = WireTestBytes.WriteUnchecked(new ForwardReply.Failed(Sample.Id, (FailureKind)number, "x"));
        Assert.Throws<WireException>(() => WireFormat.Deserialize("frp", forged));
    }

    [Fact]
    public void A_mode_of_a_value_unknown_here_is_refused_because_it_could_not_be_kept()
    {
        byte[] later = WireTestBytes.WriteUnchecked(new SetMode(ModeScope.Cluster, new ModeChange { CudaGraphs = (CudaGraphsMode)9 }));
        Assert.Throws<WireException>(() => WireFormat.Deserialize("mset", later));
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
