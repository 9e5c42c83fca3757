using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>Finds the files of a model that is asked for by name.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk: called by the engine builder, at start and by those who list it.</remarks>
public interface IModelRepository
{
    /// <summary>The models it holds, each with every version, by name and rising number.</summary>
    IReadOnlyList<ModelReference> List();

    /// <summary>Names of the models that may be asked for, whatever is in their folders.</summary>
    IReadOnlyList<string> Names() => [.. List().Select(model => model.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>The file to load for <paramref name="load"/>, by its path if it names one.</summary>
    /// <exception cref="ModuleLoadException">There is none, or the name or path is not one that may be asked for; it names the version
    /// where the model was found and only the version's file is at fault.</exception>
    ModuleSource Resolve(LoadModel load);

    /// <summary>The versions of a model that are to be served where a load names none, rising; empty: the one that
    /// <see cref="Resolve"/> finds.</summary>
    /// <exception cref="ModuleLoadException">There is none, or its configuration is wrong.</exception>
    IReadOnlyList<int> VersionsOf(LoadModel load) => [];

    /// <summary>As this one, for whoever asks from outside, over HTTP or from another node; the node's own settings ask this one.</summary>
    IModelRepository ForOthers => this;

    /// <summary>As this one, but for what a load brings along.</summary>
    /// <exception cref="ModuleLoadException">This repository has no place for that.</exception>
    IModelRepository With(GivenModel given) =>
        throw new ModuleLoadException(
            Messages.Failures.FailureKind.NotSupported,
            "This node takes neither configurations nor files with a load."
        );
}
