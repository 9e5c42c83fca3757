using Troupe.Actors.Models;

namespace Troupe.Hosting.Startup;

/// <summary>What is to be done about one model of a repository.</summary>
/// <param name="IsThere">It is new or has changed; false: it is gone.</param>
internal readonly record struct RepositoryChange(string Name, bool IsThere);

/// <summary>Holds each look at the repositories against the one before: what has changed since, and what is told once.</summary>
/// <remarks><b>Owns</b> what was seen last. <b>Thread</b> one at a time.</remarks>
/// <param name="note">Told what cannot be read, once for as long as that is so.</param>
internal sealed class RepositoryWatch(Action<string> note)
{
    private readonly Dictionary<string, string> _seen = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _retried = new(StringComparer.Ordinal);
    private readonly HashSet<string> _noted = new(StringComparer.Ordinal);

    /// <summary>What has changed since the last look that succeeded. A repository that cannot be read changes nothing, and a model's folder
    /// that cannot be read leaves the model as it is.</summary>
    public IReadOnlyList<RepositoryChange> Changes(Func<RepositoryLook> look)
    {
        RepositoryLook now;
        try
        {
            now = look();
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            Note([$"the model repository cannot be read, and its models stay as they are: {trouble.Message}"]);
            return [];
        }

        Note([.. now.Unreadable.Values]);
        List<RepositoryChange> changes =
        [
            .. now
                .Models.Where(model => _seen.GetValueOrDefault(model.Key) != model.Value)
                .Select(model => new RepositoryChange(model.Key, IsThere: true)),
            .. _seen
                .Keys.Where(name => !now.Models.ContainsKey(name) && !now.Unreadable.ContainsKey(name))
                .Select(name => new RepositoryChange(name, IsThere: false)),
        ];
        foreach (RepositoryChange change in changes)
        {
            if (change.IsThere)
            {
                _seen[change.Name] = now.Models[change.Name];
            }
            else
            {
                _seen.Remove(change.Name);
            }
        }

        return changes;
    }

    /// <summary>A change could not be followed for want of room or time: the next look brings it again.</summary>
    /// <returns>False where that was so the last time, for the same reason.</returns>
    public bool Retry(string name, string reason)
    {
        _seen[name] = "";
        bool isNew = _retried.GetValueOrDefault(name) != reason;
        _retried[name] = reason;
        return isNew;
    }

    /// <summary>A change was followed.</summary>
    public void End(string name) => _retried.Remove(name);

    private void Note(IReadOnlyCollection<string> troubles)
    {
        _noted.IntersectWith(troubles);
        foreach (string trouble in troubles.Where(_noted.Add))
        {
            note(trouble);
        }
    }
}
