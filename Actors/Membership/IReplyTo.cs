namespace Troupe.Actors.Membership;

/// <summary>Whoever asked, as a core knows it: where the one answer to a request goes.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal interface IReplyTo<in TReply>
{
    void Answer(TReply reply);
}
