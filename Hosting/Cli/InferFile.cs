using System.Text.Json;
using Troupe.Hosting.Bench;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Server;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Cli;

/// <summary>The body of one V2 request, as a file holds it or as tensors make it: JSON, then the binary tensors it announces.</summary>
/// <param name="Bytes">JSON and binary tensors.</param>
/// <param name="HeaderLength">How many of them are JSON; all, where no binary tensor follows.</param>
internal sealed record InferFile(byte[] Bytes, int HeaderLength)
{
    public static InferFile Of(IReadOnlyList<Tensor> tensors)
    {
        byte[] body = InferRequestBytes.Body(tensors, binaryOutput: false, out int headerLength);
        return new InferFile(body, headerLength);
    }

    /// <summary>Reads the file of <c>--request FILE</c>; what its members mean is for the node to judge.</summary>
    /// <exception cref="CliException">The file is not there, or does not begin with a JSON object.</exception>
    public static InferFile Read(string path)
    {
        byte[] file;
        try
        {
            file = File.ReadAllBytes(path);
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CliException(ExitCode.PathNotFound, $"--request: cannot read '{path}': {missing.Message}", missing);
        }

        try
        {
            int length = JsonLength(file);
            return new InferFile(file, file.AsSpan(length).ContainsAnyExcept(" \t\r\n"u8) ? length : file.Length);
        }
        catch (JsonException alien)
        {
            throw new CliException(
                ExitCode.Usage,
                $"--request: '{path}' is not a V2 request: {JsonDialect.Trouble(alien)}; write {{\"inputs\": [{{\"name\": …, \"datatype\": …, \"shape\": …, \"data\": …}}]}}",
                alien
            );
        }
    }

    /// <summary>Where the JSON object ends that a request or an answer begins with.</summary>
    /// <exception cref="JsonException">There is none.</exception>
    public static int JsonLength(ReadOnlySpan<byte> body)
    {
        int mark = body.StartsWith("\uFEFF"u8) ? 3 : 0;
        Utf8JsonReader reader = new(body[mark..], isFinalBlock: false, default);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject || !reader.TrySkip())
        {
            throw new JsonException("It does not begin with a whole JSON object.");
        }

        return mark + (int)reader.BytesConsumed;
    }
}
