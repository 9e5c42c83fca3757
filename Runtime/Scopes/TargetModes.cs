using Microsoft.Extensions.Logging;
using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;

namespace Troupe.Runtime.Scopes;

/// <summary>A module as the table of modes knows it: its place there, and its settings at the last epoch it was asked for.</summary>
/// <remarks><b>Thread</b> changes: inside its gate; reading: any. <b>Blocks</b> while the module applies settings.</remarks>
internal sealed partial class TargetModes(IModeTarget module, long number, ILogger log)
{
    /// <summary>The last answer to "what holds for a forward"; null until it was asked for.</summary>
    private volatile AdmittedModes? _admitted;

    /// <summary>A change back could not be applied when its scope ended; the next forward tries again and reports.</summary>
    private volatile bool _isUnapplied;

    public IModeTarget Module => module;

    /// <summary>No other target has it; gates are entered in its order.</summary>
    public long Number => number;

    /// <summary>Entered by whoever changes what the module has applied or keeps, while it waits for the module; the table's own lock is
    /// never taken before it.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Its name there is unique, so that two loads of one model are two places.</summary>
    public ModeScope Scope { get; } = new(Model: new ModelReference($"{module.Name}#{number}"));

    public bool IsUnapplied => _isUnapplied;

    /// <summary>What holds for a forward without modes of its own; a value of the same epoch is the same object.</summary>
    public AdmittedModes Admit(ModesInForce inForce)
    {
        AdmittedModes? admitted = _admitted;
        if (admitted is null || admitted.Epoch != inForce.Epoch)
        {
            _admitted = admitted = AdmitAnew(inForce);
        }

        return admitted;
    }

    /// <inheritdoc cref="Admit"/>
    /// <param name="call">Modes of the call alone.</param>
    public AdmittedModes AdmitAnew(ModesInForce inForce, ModeChange? call = null) =>
        inForce.Admit(ModeTarget.Of(Scope), module.Traits, call);

    /// <summary>Gives the module its settings back. Does not fail: what cannot be applied is tried again by the next forward.</summary>
    public void Restore(ModeSettings settings)
    {
        try
        {
            Apply(settings);
        }
        catch (ForwardException failure)
        {
            _isUnapplied = true;
            LogNotRestored(log, module.Name, failure);
        }
    }

    /// <summary>Gives the module settings that it is to have.</summary>
    /// <exception cref="ForwardException">Refused; nothing changed.</exception>
    public void Apply(ModeSettings settings)
    {
        module.Apply(settings);
        _isUnapplied = false;
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "Module {Module}: the settings from before a scope could not be restored; the next forward tries again"
    )]
    private static partial void LogNotRestored(ILogger log, string module, Exception failure);
}
