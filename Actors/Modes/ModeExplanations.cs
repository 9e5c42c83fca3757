using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Puts into words what holds at a place, where it comes from, and who cannot run with it.</summary>
internal static class ModeExplanations
{
    public static ModeReply.Explanation Of(ModesInForce modes, ModeScope scope, ModeOperation asked)
    {
        EffectiveModes effective = modes.Resolve(ModeTarget.Of(scope));
        ModeConflict? conflict = ModeConflicts.Between(effective.Settings);
        ModeExplanation[] lines =
        [
            .. ModeField.All.Select(field => new ModeExplanation(
                field.Name,
                field.Text(effective.Settings),
                effective.Source(field).ToString(),
                effective.Source(field).Entry?.Stamp.Time ?? 0,
                conflict is not null && conflict.Concerned.Contains(field) ? conflict.Reason : null
            )),
        ];
        return new ModeReply.Explanation(effective.Settings, lines, modes.Epoch, [.. asked.NotReached]);
    }
}
