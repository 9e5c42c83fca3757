using Troupe.Messages.Identity;

namespace Troupe.Runtime.Modules;

/// <summary>Where a module's bytes are: a lone <c>.onnx</c>, or a <c>module.json</c> beside the files it names.</summary>
/// <param name="Model">Name and number it is served under; its hash is computed when the bytes are read.</param>
/// <param name="Path">Absolute path of the file.</param>
public sealed record ModuleSource(ModelReference Model, string Path);
