using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Programs;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Artifacts.Zip;

namespace Troupe.Runtime.Artifacts.Exported;

/// <summary>The engines of an exported program, each read when the graph first names it: from its constant, or out of the node
/// itself.</summary>
internal sealed class EngineConstants(ZipFile archive, IReadOnlyDictionary<string, Payload> constants, ArtifactLimits limits)
{
    private readonly Dictionary<string, int> _byName = new(StringComparer.Ordinal);
    private readonly List<ArtifactEngine> _read = [];

    public IReadOnlyDictionary<string, Payload> Constants => constants;

    public IReadOnlyList<ArtifactEngine> Read => _read;

    /// <summary>Index of the engine that hangs on an attribute.</summary>
    public int Find(string fullName, string where)
    {
        if (_byName.TryGetValue(fullName, out int index))
        {
            return index;
        }

        if (!constants.TryGetValue(fullName, out Payload? payload))
        {
            throw ArtifactException.Missing(where, $"the engine '{Shown.Of(fullName)}' is not among the archive's constants");
        }

        if (!payload.IsPickled)
        {
            throw ArtifactException.Corrupt(where, $"the constant '{Shown.Of(fullName)}' is a tensor, not an engine");
        }

        return Add(fullName, EngineState.Record(Unpickle(payload.Entry), archive.Place(payload.Entry)), carriedByNode: false);
    }

    public int Add(string key, EngineRecord record, bool carriedByNode)
    {
        if (record.Plan.IsEmpty)
        {
            throw ArtifactException.Missing($"{archive.Where}, engine '{Shown.Of(key)}'", "the record holds no engine, only metadata");
        }

        if (!_byName.TryAdd(key, _read.Count))
        {
            throw ArtifactException.Corrupt(archive.Where, $"two engines are called '{Shown.Of(key)}'");
        }

        _read.Add(new ArtifactEngine(key, record) { CarriedByNode = carriedByNode });
        return _read.Count - 1;
    }

    /// <summary>Plain pickles are the opaque form; a zip within is a saved script object of older writers.</summary>
    private PickleValue Unpickle(string entry)
    {
        ReadOnlyMemory<byte> bytes = archive.Read(entry);
        string where = archive.Place(entry);
        if (!bytes.Span.StartsWith("PK\u0003\u0004"u8))
        {
            return PickleReader.Read(bytes, PicklePolicy.EngineConstant, limits, where);
        }

        var nested = new ZipFile(new ByteSource.Memory(bytes), limits, where);
        return PickleReader.Read(nested.Read("data.pkl"), PicklePolicy.ScriptObject, limits, nested.Place("data.pkl"));
    }
}
