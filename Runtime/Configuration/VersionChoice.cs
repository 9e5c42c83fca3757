using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Which of a model's version folders its policy has served.</summary>
internal static class VersionChoice
{
    /// <param name="present">Numbers of the version folders, rising.</param>
    /// <returns>Rising; one of them at least.</returns>
    /// <exception cref="ModuleLoadException">The policy chooses none.</exception>
    public static IReadOnlyList<int> Of(string model, ModelVersionPolicy? policy, IReadOnlyList<int> present)
    {
        int[] chosen = policy?.PolicyChoiceCase switch
        {
            ModelVersionPolicy.PolicyChoiceOneofCase.All => [.. present],
            ModelVersionPolicy.PolicyChoiceOneofCase.Specific => [.. present.Where(number => policy.Specific.Versions.Contains(number))],
            ModelVersionPolicy.PolicyChoiceOneofCase.Latest =>
            [
                .. present.TakeLast((int)Math.Min(policy.Latest.NumVersions, int.MaxValue)),
            ],
            ModelVersionPolicy.PolicyChoiceOneofCase.None or null => [.. present.TakeLast(1)],
        };
        return chosen.Length > 0
            ? chosen
            : throw new ModuleLoadException(
                FailureKind.NotFound,
                $"at least one version must be available under the version policy of model '{model}'; its folder has {(present.Count == 0 ? "none" : string.Join(", ", present))}. Change version_policy or add the version's folder."
            );
    }
}
