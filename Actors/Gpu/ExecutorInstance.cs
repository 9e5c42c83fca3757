using Troupe.Messages.Modes;
using Troupe.Runtime.Instances;

namespace Troupe.Actors.Gpu;

/// <summary>An instance in its executor's hands, with the settings it was last asked about, so that equal ones are not checked for every
/// forward.</summary>
/// <remarks><b>Thread</b> the executor's.</remarks>
internal sealed class ExecutorInstance(IModuleInstance module)
{
    private ModeSettings? _checked;
    private string? _conflict;

    public IModuleInstance Module { get; } = module;

    public string? Conflict(ModeSettings settings)
    {
        if (!ReferenceEquals(settings, _checked))
        {
            _conflict = Module.Conflict(settings);
            _checked = settings;
        }

        return _conflict;
    }

    /// <summary>What stands in the way may have changed.</summary>
    public void Forget() => _checked = null;
}
