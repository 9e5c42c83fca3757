namespace Troupe.Runtime.Cuda;

/// <summary>A kernel of a loaded image; valid while the image is.</summary>
/// <remarks><b>Owns</b> nothing; its image owns the code. <b>Thread</b> any. <b>Blocks</b> never.</remarks>
internal sealed class Kernel
{
    private readonly CuFunction _handle;

    internal Kernel(KernelImage image, string name, CuFunction handle)
    {
        Image = image;
        Name = name;
        _handle = handle;
    }

    public KernelImage Image { get; }

    public string Name { get; }

    public CuFunction Handle
    {
        get
        {
            ObjectDisposedException.ThrowIf(Image.IsDisposed, Image);
            return _handle;
        }
    }

    /// <summary>Launches on a stream; arguments as <see cref="ICudaDriver.LaunchKernel"/> takes them. The caller is inside the
    /// context.</summary>
    public void Launch(
        DeviceStream stream,
        Dim3 grid,
        Dim3 block,
        uint sharedBytes,
        ReadOnlySpan<byte> arguments,
        ReadOnlySpan<int> argumentSizes
    ) => Image.Context.Driver.LaunchKernel(Handle, grid, block, sharedBytes, stream.Handle, arguments, argumentSizes).ThrowIfFailed();
}
