using Troupe.Messages.Failures;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Engines;

/// <summary>The back ends of a process: finds the one that a name, a file or a platform means.</summary>
/// <remarks>Immutable. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class BackendCatalogue
{
    /// <summary>Bytes of a file's beginning that are enough to recognise it.</summary>
    public const int HeadBytes = 64;

    private readonly IReadOnlyList<IEngineBackend> _backends;

    /// <param name="backends">In the order in which people are told of them.</param>
    public BackendCatalogue(params IReadOnlyList<IEngineBackend> backends)
    {
        _backends = backends;
        if (backends.GroupBy(backend => backend.Description.Name).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"Two back ends are called '{twice.Key}'.", nameof(backends));
        }
    }

    /// <summary>Of every back end, what it says of itself.</summary>
    public IEnumerable<BackendDescription> Descriptions => _backends.Select(backend => backend.Description);

    /// <summary>These back ends and one more.</summary>
    public BackendCatalogue With(IEngineBackend backend) => new([.. _backends, backend]);

    /// <exception cref="ModuleLoadException">There is no such back end.</exception>
    public IEngineBackend Find(SegmentSpec segment) =>
        Named(segment.Backend)
        ?? throw new ModuleLoadException(
            FailureKind.NotSupported,
            $"Segment '{segment.Name}' wants the back end '{segment.Backend}' for '{segment.File}', which is not in this build; it has {string.Join(", ", _backends.Select(backend => $"'{backend.Description.Name}'"))}."
        );

    /// <summary>The back end that a name means for a file: the one that recognises most of it among those that answer to the name, else
    /// the one called so.</summary>
    /// <param name="head">The file's beginning.</param>
    /// <returns>Its name; the name as given where this process has none.</returns>
    public string Resolve(string name, ReadOnlySpan<byte> head) =>
        Best(head, description => description.Name == name || description.StandsInFor.Contains(name))?.Name ?? name;

    /// <summary>The back end whose files begin like this; null where none recognises them.</summary>
    public BackendDescription? Recognise(ReadOnlySpan<byte> head) => Best(head, static _ => true);

    /// <summary>The back end whose models are files with this extension; null where there is none.</summary>
    /// <param name="extension">With its dot, in any case.</param>
    public BackendDescription? OfExtension(string extension) =>
        Descriptions.FirstOrDefault(description =>
            description.ModelFile is { } file && Path.GetExtension(file).Equals(extension, StringComparison.OrdinalIgnoreCase)
        );

    /// <summary>Why nothing in this process runs a back end's engines on devices of a driver, in words; null where it does.</summary>
    public string? Obstacle(string name, DriverKind driver) =>
        Named(name) is { } backend ? backend.Description.Obstacle(driver) : "it is not in this build";

    private IEngineBackend? Named(string name) => _backends.FirstOrDefault(backend => backend.Description.Name == name);

    private BackendDescription? Best(ReadOnlySpan<byte> head, Func<BackendDescription, bool> isAsked)
    {
        (BackendDescription? best, int most) = (null, 0);
        foreach (BackendDescription description in Descriptions.Where(isAsked))
        {
            if (description.Recognise(head) is int known && known > most)
            {
                (best, most) = (description, known);
            }
        }

        return best;
    }
}
