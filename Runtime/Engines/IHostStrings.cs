namespace Troupe.Runtime.Engines;

/// <summary>The facet of execution contexts with tensors of type BYTES, which lie in host memory and on no device; engines that have it say
/// <see cref="EngineCapabilities.Strings"/>.</summary>
/// <remarks>Such a context reads its strings and has made its own when <see cref="IExecutionContext.Enqueue"/> returns; of their shapes it
/// tells the output's allocator, which is asked for no memory.</remarks>
internal interface IHostStrings
{
    /// <summary>The strings of an input, each behind its length; they are read where they lie, until the enqueue has returned.</summary>
    void SetInput(int input, ReadOnlyMemory<byte> strings);

    /// <summary>Most bytes that the strings of an output may take, each behind its length; negative: nobody reads them, and none are
    /// made.</summary>
    void SetMost(int output, long bytes);

    /// <summary>The strings that the last enqueue made, which are the caller's; none where it failed.</summary>
    ReadOnlyMemory<byte> RemoveOutput(int output);
}
