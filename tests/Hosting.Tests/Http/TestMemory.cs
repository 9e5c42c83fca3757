using System.Diagnostics.CodeAnalysis;
using Troupe.Hosting.Edge;
using Troupe.Hosting.Http.V2;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Tests.Http;

/// <summary>Host memory for tests of the codec alone, which look at tensors and keep no lease.</summary>
internal static class TestMemory
{
    public static HostMemory Host { get; } = new();

    public static RequestMemory Requests { get; } = new(Host, 1L << 30);

    /// <summary>As the reader does it; the inputs own their bytes.</summary>
    public static bool TryRead(
        ReadOnlyMemory<byte> body,
        string? headerLength,
        InferContract contract,
        [NotNullWhen(true)] out InferRequest? request,
        [NotNullWhen(false)] out InferFault? fault,
        CancellationToken stop = default
    )
    {
        bool read = InferRequestReader.TryRead(body, headerLength, contract, Requests, out request, out fault, stop);
        for (int i = 0; i < request?.Inputs.Length; i++)
        {
            Tensor input = request.Inputs[i];
            request.Inputs[i] = input with { Data = input.Data.ToArray() };
            input.Lease?.Release();
        }

        return read;
    }
}
