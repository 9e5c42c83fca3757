using Troupe.Messages.Failures;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Configuration;

/// <summary>Small files that configure a model, read within a bound.</summary>
/// <remarks><b>Thread</b> any. <b>Blocks</b> on the disk.</remarks>
internal static class ConfigurationFile
{
    /// <summary>The text format.</summary>
    public const string Text = "config.pbtxt";

    /// <summary>The JSON form, for where there is no text.</summary>
    public const string Json = "config.json";

    /// <param name="what">What the file is, for errors: <c>a label file</c>.</param>
    /// <exception cref="ModuleLoadException">It is missing, unreadable or larger than <paramref name="limit"/>.</exception>
    public static byte[] Read(string path, long limit, string what) =>
        ReadPart(
            path,
            length =>
                length <= limit
                    ? length
                    : throw new ModuleLoadException(
                        FailureKind.InvalidModel,
                        $"'{path}' has {length} bytes; {what} has at most {limit}. Make it smaller."
                    ),
            what
        );

    /// <summary>The first bytes, or all where there are less.</summary>
    /// <inheritdoc cref="Read"/>
    public static byte[] ReadFirst(string path, long count, string what) => ReadPart(path, length => Math.Min(length, count), what);

    private static byte[] ReadPart(string path, Func<long, long> countOf, string what)
    {
        try
        {
            using var file = new FileStream(RegularFile.Open(path), FileAccess.Read);
            byte[] bytes = new byte[countOf(file.Length)];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception trouble) when (trouble is FileNotFoundException or DirectoryNotFoundException)
        {
            string problem = new FileInfo(path).LinkTarget is { } target
                ? $"'{path}', which is {what}, is a link to '{target}', where there is no file. Correct the link."
                : $"There is no file '{path}', which is {what}. Add it.";
            throw new ModuleLoadException(FailureKind.InvalidModel, problem, trouble);
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            string problem = Directory.Exists(path)
                ? $"'{path}' is a folder, and {what} is a file. Put a file there, or nothing."
                : $"'{path}' cannot be read: {trouble.Message}";
            throw new ModuleLoadException(FailureKind.InvalidModel, problem, trouble);
        }
    }

    /// <summary>A configuration of either form.</summary>
    /// <exception cref="ModuleLoadException">The text is wrong; the message names line and column.</exception>
    public static ModelConfig Parse(ConfigurationText text, bool isJson)
    {
        if (text.Bytes.Length > ConfigurationText.MaxBytes)
        {
            throw new ModuleLoadException(
                FailureKind.InvalidModel,
                $"'{text.Path}' has {text.Bytes.Length} bytes; a configuration has at most {ConfigurationText.MaxBytes}. Make it smaller."
            );
        }

        byte[] binary = isJson ? JsonFormReader.Read(text, ModelConfig.Descriptor) : TextFormatReader.Read(text, ModelConfig.Descriptor);
        return ModelConfig.Parser.ParseFrom(binary);
    }
}
