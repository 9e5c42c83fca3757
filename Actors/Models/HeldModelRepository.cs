using System.Globalization;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Modules;

namespace Troupe.Actors.Models;

/// <summary>The one model that a load brought along whole, held in memory.</summary>
internal sealed class HeldModelRepository(GivenModel given) : IModelRepository
{
    public IReadOnlyList<ModelReference> List() => [];

    public IReadOnlyList<int> VersionsOf(LoadModel load) => Configuration(load).Versions(Present());

    public ModuleSource Resolve(LoadModel load)
    {
        ModelFolder.Check(load);
        GivenConfiguration configuration = Configuration(load);
        int number = load.Number ?? configuration.Versions(Present())[^1];
        string folder = number.ToString(CultureInfo.InvariantCulture) + "/",
            called = $"{load.Name}/{folder}";
        Dictionary<string, ReadOnlyMemory<byte>> files = given
            .Files.Where(file => file.Key.StartsWith(folder, StringComparison.Ordinal))
            .ToDictionary(file => file.Key[folder.Length..], file => file.Value, StringComparer.Ordinal);
        var found = new ModelReference(load.Name, number);
        string model = ModelFolder.OfVersion(
            found,
            () =>
                configuration.Refusal() is not null ? ""
                : configuration.ModelFile.Length > 0 ? configuration.ModelFile
                : ModelFolder.FileIn(called, files.ContainsKey)
        );
        return new ModuleSource(found, called + model) { Configuration = configuration, Held = files };
    }

    private int[] Present() =>
        [
            .. given
                .Files.Keys.Select(file =>
                    file.IndexOf('/', StringComparison.Ordinal) is > 0 and int end ? ModelFolder.NumberOf(file.AsSpan(0, end)) : 0
                )
                .Where(number => number > 0)
                .Distinct()
                .Order(),
        ];

    private GivenConfiguration Configuration(LoadModel load) => GivenConfiguration.OfHeld(load.Name, given.Configuration, given.Files);
}
