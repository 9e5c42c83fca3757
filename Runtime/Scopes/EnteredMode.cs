using Troupe.Messages.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>A mode that holds until this is disposed. Scopes end in any order and leave exactly what the others imply.</summary>
/// <remarks>Disposing twice does nothing. <b>Thread</b> any. <b>Blocks</b> in <see cref="Dispose()"/> while the module finishes work in
/// flight and releases what the mode made.</remarks>
public class EnteredMode : IDisposable
{
    private readonly RuntimeModes _modes;
    private readonly IReadOnlyList<IModeTarget> _modules;
    private IReadOnlyList<ModeStamp> _stamps;
    private int _ended;

    internal EnteredMode(RuntimeModes modes, IReadOnlyList<IModeTarget> modules, IReadOnlyList<ModeStamp> stamps)
    {
        _modes = modes;
        _modules = modules;
        _stamps = stamps;
    }

    /// <summary>False once it was disposed.</summary>
    public bool IsHeld => Volatile.Read(ref _ended) == 0;

    /// <summary>Ends the mode, releases what only it held and restores what held outside it. Never throws; a failure to restore is reported
    /// by the next forward.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _modes.Exit(_modules, _stamps);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Sets something else instead; on failure the former value still holds.</summary>
    private protected void Replace(ModeChange change)
    {
        ObjectDisposedException.ThrowIf(!IsHeld, this);
        _stamps = _modes.Replace(_modules, _stamps, change);
    }
}
