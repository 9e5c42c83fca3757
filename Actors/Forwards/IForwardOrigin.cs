using Troupe.Messages.Forwarding;

namespace Troupe.Actors.Forwards;

/// <summary>The origin router of a forward that came from another node: where its outcome goes.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal interface IForwardOrigin
{
    void Answer(ForwardOutcome outcome);
}
