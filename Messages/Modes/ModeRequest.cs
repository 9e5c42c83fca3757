using Troupe.Messages.Identity;

namespace Troupe.Messages.Modes;

/// <summary>One step of a client's conversation about modes, answered by one <see cref="ModeReply"/>: <see cref="SetMode"/>,
/// <see cref="UnsetMode"/>, <see cref="EnterMode"/>, <see cref="RenewMode"/>, <see cref="ExitMode"/>, <see cref="GetModes"/>,
/// <see cref="ExplainModes"/>, <see cref="GetAudit"/>, or <see cref="OpenSession"/>, <see cref="RenewSession"/>,
/// <see cref="CloseSession"/>.</summary>
/// <remarks>A closed family that adds nothing to the bytes of its members.</remarks>
public abstract record ModeRequest : INodeRequest
{
    private protected ModeRequest() { }
}
