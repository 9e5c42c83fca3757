using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Hosting.Edge;

/// <summary>Modes among the parameters of a V2 request: <c>troupe_cuda_graphs</c> and the like hold for that call alone,
/// <c>troupe_session</c> names its session.</summary>
internal static class CallModes
{
    private const string Session = ModeText.ParameterPrefix + "session";

    /// <summary>False, with one line for the caller, for a parameter of Troupe's that is unknown or has a value it cannot have. Parameters
    /// of others pass unread.</summary>
    public static bool TryRead(InferParameter[] parameters, out ModeChange? modes, out SessionId? session, out string error)
    {
        modes = null;
        session = null;
        error = "";
        foreach (InferParameter parameter in parameters)
        {
            if (!parameter.Name.StartsWith(ModeText.ParameterPrefix, StringComparison.Ordinal))
            {
                continue;
            }

            string value = parameter.Written;
            if (parameter.Name == Session)
            {
                if (!Guid.TryParseExact(value, "N", out Guid id))
                {
                    error = $"parameter '{Session}': '{value}' is no session; it has 32 hexadecimal digits";
                    return false;
                }

                session = new SessionId(id);
                continue;
            }

            ModeChange change = modes ?? ModeChange.None;
            if (!ModeText.TryAdd(ref change, parameter.Name[ModeText.ParameterPrefix.Length..], value, out error))
            {
                error = $"parameter '{parameter.Name}': {error}";
                return false;
            }

            modes = change;
        }

        return true;
    }
}
