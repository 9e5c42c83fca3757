using Troupe.Messages.Modes;

namespace Troupe.Runtime.Modes;

/// <summary>The settings that belong to an instance: where they differ, a change is a barrier between forwards.</summary>
public static class PerInstance
{
    private static readonly ModeField[] Fields = [.. ModeField.All.Where(field => field.PerInstance)];

    public static bool Differs(ModeSettings left, ModeSettings right)
    {
        if (ReferenceEquals(left, right))
        {
            return false;
        }

        foreach (ModeField field in Fields)
        {
            if (field.Differs(left, right))
            {
                return true;
            }
        }

        return false;
    }
}
