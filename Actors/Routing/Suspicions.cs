using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;

namespace Troupe.Actors.Routing;

/// <summary>What is held against a forward.</summary>
internal enum Suspicion
{
    None,

    /// <summary>Its content was lost once with what ran it, or its model is confined: it runs alone.</summary>
    Suspect,

    /// <summary>It is known to end what runs it: it runs no more.</summary>
    Guilty,
}

/// <summary>Which contents are suspected of a crash, and which are guilty of one; and the models with so many that they are
/// confined.</summary>
/// <remarks>Knows no Akka. A content lost once is suspect; one that is lost while it runs alone is guilty; one that succeeds is acquitted.
/// By content and not by forward, so that a repeated one costs no more than the first. <b>Owns</b> both tables. <b>Thread</b> its
/// router's.</remarks>
internal sealed class Suspicions
{
    public static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    public const int Limit = 1024;

    /// <summary>Guilty ones of a model within <see cref="ConfinementWindow"/> that confine it.</summary>
    public const int ConfinementLimit = 3;

    public static readonly TimeSpan ConfinementWindow = TimeSpan.FromMinutes(1);

    private readonly LostContents _suspects = new(Kept, Limit);
    private readonly LostContents _guilty = new(Kept, Limit);
    private readonly Dictionary<ModelVersion, TimeSpan> _confinedUntil = [];

    /// <summary>Anything is held against forwards of this version, so that its forwards have to be hashed.</summary>
    public bool Knows(ModelVersion model) => _suspects.Knows(model) || _guilty.Knows(model);

    public bool IsConfined(ModelVersion model, TimeSpan now) =>
        _confinedUntil.Count > 0 && _confinedUntil.TryGetValue(model, out TimeSpan until) && now < until;

    /// <param name="where">What a guilty one has ended; empty for others.</param>
    public Suspicion Of(ForwardContent content, TimeSpan now, out string where)
    {
        Expire(now);
        if (_guilty.TryFind(content, out LostContent? guilty))
        {
            where = guilty.Where;
            return Suspicion.Guilty;
        }

        where = "";
        return _suspects.TryFind(content, out _) || IsConfined(content.Model, now) ? Suspicion.Suspect : Suspicion.None;
    }

    /// <summary>A launched forward was lost. True when it is guilty by that: it ran alone because it was suspect, or nothing else was
    /// launched and its content had been lost elsewhere before.</summary>
    /// <param name="where">What it was lost with; of a guilty one, all that it was lost with.</param>
    public bool Convicts(ForwardContent content, bool wasLastRun, bool wasAlone, ref string where, TimeSpan now)
    {
        Expire(now);
        _suspects.TryFind(content, out LostContent? before);
        bool isElsewhere = before is not null && before.Where != where;
        if (!wasLastRun && !(wasAlone && isElsewhere))
        {
            _suspects.Add(new LostContent(content, before?.Where ?? where, now));
            return false;
        }

        where = isElsewhere ? $"{before!.Where}, then alone with {where}" : where;
        _suspects.Remove(content);
        AddGuilty(new LostContent(content, where, now));
        return true;
    }

    /// <summary>This content was lost once, and has not succeeded since.</summary>
    public bool Holds(ForwardContent content) => _suspects.TryFind(content, out _);

    /// <summary>A forward of this content has succeeded; false when nothing was held against it.</summary>
    public bool Acquit(ForwardContent content) => _suspects.Remove(content);

    /// <summary>Another router has found these guilty, or suspect.</summary>
    public void UpdateFrom(GuiltyForwards told, TimeSpan now)
    {
        Expire(now);
        foreach (GuiltyForward forward in told.Forwards)
        {
            var content = new ForwardContent(forward.Model, forward.High, forward.Low);
            TimeSpan age = Kept - forward.TimeLeft;
            if (age >= Kept || _guilty.TryFind(content, out _))
            {
                continue;
            }

            var lost = new LostContent(content, forward.Where, now - (age < TimeSpan.Zero ? TimeSpan.Zero : age));
            if (!forward.Suspect)
            {
                _suspects.Remove(content);
                AddGuilty(lost);
            }
            else if (!_suspects.TryFind(content, out _))
            {
                _suspects.Add(lost);
            }
        }
    }

    /// <summary>One that is guilty, for the routers of other nodes.</summary>
    public static GuiltyForward Told(LostContent guilty, TimeSpan now) =>
        new(guilty.Content.Model, guilty.Content.High, guilty.Content.Low, guilty.At + Kept - now, guilty.Where);

    /// <summary>A suspect one, for the routers of other nodes; it was lost with <paramref name="where"/> just now.</summary>
    public static GuiltyForward ToldSuspect(ForwardContent content, string where) =>
        new(content.Model, content.High, content.Low, Kept, where, Suspect: true);

    public IEnumerable<LostContent> Guilty(TimeSpan now)
    {
        Expire(now);
        return _guilty.All;
    }

    private void AddGuilty(LostContent guilty)
    {
        _guilty.Add(guilty);
        ModelVersion model = guilty.Content.Model;
        int lately = _guilty.All.Count(one => one.Content.Model == model && one.At <= guilty.At && guilty.At - one.At < ConfinementWindow);
        if (lately >= ConfinementLimit)
        {
            _confinedUntil[model] = guilty.At + Kept;
        }
    }

    private void Expire(TimeSpan now)
    {
        _suspects.Expire(now);
        _guilty.Expire(now);
    }
}
