using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>Tries a stranger's model where its failure costs nobody anything, before it is loaded in the process that serves.</summary>
/// <remarks><b>Thread</b> any; several at once. <b>Blocks</b> until the model was tried, within a bound of its own.</remarks>
public interface IModelProbe
{
    /// <summary>Tries to load the model.</summary>
    /// <returns>The source, bound to the very bytes that were tried; of files that a library opens by itself, to what they are before and
    /// after.</returns>
    /// <exception cref="ModuleLoadException">The model is refused, or it ended, hung or overfilled the process it was tried in, or no such
    /// process was to be had.</exception>
    ModuleSource Try(ModuleSource source, CancellationToken cancellation);
}
