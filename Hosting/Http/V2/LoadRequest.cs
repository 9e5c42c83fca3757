using System.Text;
using System.Text.Json;
using Troupe.Actors.Models;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.V2;

/// <summary>Reads what the load of a model brings along: a configuration and the files of the model's folder.</summary>
internal static class LoadRequest
{
    private const string FilePrefix = "file:";

    /// <returns>Null where it brings nothing along.</returns>
    /// <exception cref="BadHttpRequestException">The body is no load, or names a file that has no place.</exception>
    public static GivenModel? Read(ReadOnlyMemory<byte> body)
    {
        using JsonDocument? document = JsonBody.Parse(body);
        if (
            document?.RootElement is not { ValueKind: JsonValueKind.Object } root
            || !root.TryGetProperty("parameters"u8, out JsonElement parameters)
        )
        {
            return null;
        }

        if (parameters.ValueKind != JsonValueKind.Object)
        {
            throw new BadHttpRequestException("'parameters' is an object");
        }

        byte[]? configuration = null;
        var files = new Dictionary<string, ReadOnlyMemory<byte>>(StringComparer.Ordinal);
        foreach (JsonProperty parameter in parameters.EnumerateObject())
        {
            if (parameter.NameEquals("config"u8))
            {
                CheckIsText(parameter);
                configuration = Encoding.UTF8.GetBytes(parameter.Value.GetString()!);
            }
            else if (parameter.Name.StartsWith(FilePrefix, StringComparison.Ordinal))
            {
                files.Add(FileName(parameter.Name), Bytes(parameter));
            }
            else
            {
                throw new BadHttpRequestException(
                    $"load parameter '{Shown(parameter.Name)}' is unknown; a load has 'config' and 'file:VERSION/NAME'"
                );
            }
        }

        return configuration is null && files.Count > 0
                ? throw new BadHttpRequestException(
                    "a load that brings files along has a 'config' too, which may be '{}': the model's folder is not read then"
                )
            : configuration is null ? null
            : new GivenModel(configuration, files);
    }

    /// <summary>A name inside the model's folder, as it stands: nothing in it leads elsewhere.</summary>
    private static string FileName(string parameter)
    {
        string name = parameter[FilePrefix.Length..];
        return
            name.Length <= 255
            && name.Split('/') is { Length: > 1 } parts
            && Array.TrueForAll(parts, part => part.Length > 0 && part is not "." and not ".." && !part.AsSpan().ContainsAny('\\', '\0'))
            ? name
            : throw new BadHttpRequestException(
                $"'{Shown(parameter)}' is no place in a model's folder; write file:VERSION/NAME, e.g. file:1/model.onnx"
            );
    }

    private static byte[] Bytes(JsonProperty parameter)
    {
        CheckIsText(parameter);
        return parameter.Value.TryGetBytesFromBase64(out byte[]? bytes)
            ? bytes
            : throw new BadHttpRequestException($"'{Shown(parameter.Name)}' is not base64");
    }

    private static void CheckIsText(JsonProperty parameter)
    {
        if (parameter.Value.ValueKind != JsonValueKind.String)
        {
            throw new BadHttpRequestException($"load parameter '{Shown(parameter.Name)}' is a string");
        }
    }

    /// <summary>One line, not long.</summary>
    private static string Shown(string name)
    {
        const int Longest = 80;
        string line = string.Concat(name.Take(Longest).Select(one => char.IsControl(one) ? ' ' : one));
        return name.Length > Longest ? line + "…" : line;
    }
}
