namespace Troupe.Actors.Models;

/// <summary>What a load brings along in place of what the model's folder holds. Immutable.</summary>
/// <param name="Configuration">In its JSON form; what it leaves out is completed from the model.</param>
/// <param name="Files">The whole of the model's folder by name, <c>1/model.onnx</c>; none: the folder's own.</param>
public sealed record GivenModel(ReadOnlyMemory<byte> Configuration, IReadOnlyDictionary<string, ReadOnlyMemory<byte>> Files)
{
    /// <summary>Bytes of it all.</summary>
    public long Bytes => Configuration.Length + Files.Values.Sum(file => (long)file.Length);
}
