using System.Collections.ObjectModel;
using Troupe.Actors.Modes;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Routing;

/// <summary>Which version a forward takes that names none, as the rule of its model says.</summary>
/// <remarks>Knows no Akka; part of a router and of its thread. <b>Owns</b> which version of each name is the newest that has taken over: it
/// keeps that while a device has it or will have it again, so that a device more or less does not throw forwards to and fro.</remarks>
internal sealed class VersionChooser(RoutingTable table, VersionRules rules)
{
    private readonly Dictionary<string, int> _newest = new(StringComparer.Ordinal);
    private IReadOnlyDictionary<string, int> _published = ReadOnlyDictionary<string, int>.Empty;
    private (int Routes, int Rules) _seen = (-1, -1);

    /// <summary>Of each name whose highest version has not taken over the newest that has.</summary>
    public IReadOnlyDictionary<string, int> Newest()
    {
        Refresh();
        return _published;
    }

    /// <summary>The forward with the number of its version; as it is where it names one, and where nobody has any.</summary>
    public Forward Resolve(Forward forward) =>
        forward.Model.Number is null && Choose(forward) is { } number
            ? forward with
            {
                Model = new ModelReference(forward.Model.Name, number),
            }
            : forward;

    private int? Choose(Forward forward)
    {
        string name = forward.Model.Name;
        VersionRule rule = rules.Of(name, forward.Session, forward.Modes);
        Refresh();
        if (rule.NamesVersions)
        {
            return rule.Choose(
                VersionRule.Draw(forward.Session, forward.Id),
                newest: null,
                number => table.Routes.Find(new ModelReference(name, number)) is not null
            );
        }

        // A session or a call may say another share of devices than its model.
        return forward.Session is not null || forward.Modes?.Version is not null ? NewestOf(table.Routes.Versions(name), rule, name)
            : _newest.TryGetValue(name, out int newest) ? newest
            : null;
    }

    private void Refresh()
    {
        if (_seen == (table.Routes.Changes, rules.Epoch))
        {
            return;
        }

        _seen = (table.Routes.Changes, rules.Epoch);
        string[] names = [.. table.Routes.Names];
        foreach (
            string gone in _newest.Keys.Except(names).Where(name => !table.Routes.IsComingBack(new ModelReference(name), null)).ToList()
        )
        {
            _newest.Remove(gone);
        }

        foreach (string name in names)
        {
            if (NewestOf(table.Routes.Versions(name), rules.Of(name), name) is { } newest)
            {
                _newest[name] = newest;
            }
        }

        _published = _newest
            .Where(one => table.Routes.Versions(one.Key) is [{ Model.Number: var highest }, ..] && highest != one.Value)
            .ToDictionary(StringComparer.Ordinal);
    }

    private int? NewestOf(List<ModelRoute> versions, VersionRule rule, string name)
    {
        int? present = _newest.TryGetValue(name, out int known) ? known : null;
        if (
            present is { } away
            && versions.All(route => route.Model.Number != away)
            && table.Routes.IsComingBack(new ModelReference(name, away), null)
        )
        {
            return away;
        }

        if (versions.Count == 1)
        {
            return versions[0].Model.Number;
        }

        // Of two contents of one number one gives way to the other.
        (int Number, int Devices)[] held =
        [
            .. versions
                .GroupBy(route => route.Model.Number)
                .Select(group => (group.Key, group.Max(route => route.Devices)))
                .OrderBy(version => version.Key),
        ];
        return rule.Newest(held, present);
    }
}
