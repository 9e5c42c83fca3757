namespace Troupe.Runtime.Cuda;

/// <summary>An owned, loaded image of kernels: PTX text or a cubin.</summary>
/// <remarks><b>Owns</b> the loaded image; holds its context alive. <b>Thread</b> any. <b>Blocks</b> while PTX is compiled.</remarks>
internal sealed class KernelImage : OwnedHandle<CuModule>
{
    private KernelImage(DeviceContext context, CuModule handle)
        : base(context, handle) { }

    /// <summary>Loads an image.</summary>
    /// <exception cref="CudaException">The image does not fit; the compiler's text is part of <see cref="CudaException.Call"/>.</exception>
    public static KernelImage Load(DeviceContext context, ReadOnlySpan<byte> image)
    {
        using var creation = new HandleCreation(context);
        CuResult status = context.Driver.ModuleLoadData(out CuModule handle, image, out string? log);
        if (status != CuResult.Success)
        {
            throw new CudaException(
                status,
                log.Length == 0 ? nameof(context.Driver.ModuleLoadData) : $"{nameof(context.Driver.ModuleLoadData)} [{log.Trim()}]"
            );
        }

        return creation.Keep(new KernelImage(context, handle));
    }

    /// <summary>Finds a kernel by its name.</summary>
    public Kernel Find(string name)
    {
        CuModule image = Handle;
        using ContextEntry entry = Context.Enter();
        Context
            .Driver.ModuleGetFunction(out CuFunction function, image, name)
            .ThrowIfFailed($"{nameof(Driver.ModuleGetFunction)} '{name}'");
        return new Kernel(this, name, function);
    }

    private protected override void GiveBack(CuModule handle)
    {
        if (TryEnter())
        {
            Context.Record(Driver.ModuleUnload(handle), nameof(Driver.ModuleUnload));
            Leave();
        }
    }
}
