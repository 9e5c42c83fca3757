using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Modes;

/// <summary>Puts into words what holds at a place, where it comes from, and who cannot run with it.</summary>
internal static class ModeExplanations
{
    public static ModeReply.Explanation Of(ModesInForce modes, ModeScope scope, ModeOperation asked)
    {
        EffectiveModes effective = modes.Resolve(ModeTarget.Of(scope));
        string? contradiction = ModeConflicts.Between(effective.Settings);
        ModeExplanation[] lines =
        [
            .. ModeField.All.Select(field => new ModeExplanation(
                field.Setting.ToString(),
                field.Text(effective.Settings),
                effective.Source(field.Setting).ToString(),
                effective.Source(field.Setting).Entry?.Stamp.Time ?? 0,
                contradiction is not null && ModeConflicts.Concerned(contradiction).Contains(field.Setting) ? contradiction : null
            )),
        ];
        return new ModeReply.Explanation(effective.Settings, lines, modes.Epoch, [.. asked.NotReached]);
    }
}
