using System.Text.RegularExpressions;
using Microsoft.ML.OnnxRuntime;
using Troupe.Messages.Failures;
using Troupe.Runtime.Engines.Onnx.Model;
using Troupe.Runtime.Failures;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Makes ONNX Runtime sessions the way Troupe needs them: on the calling thread alone, quiet, and with one clear error when the
/// bytes are refused.</summary>
internal static partial class OnnxSession
{
    private static readonly Lock EnvironmentLock = new();

    /// <exception cref="ModuleLoadException">ONNX Runtime refuses the model.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while it was loading.</exception>
    public static InferenceSession Create(EngineSource source, OnnxGraph graph, CancellationToken cancellation)
    {
        using SessionOptions options = Options();
        if (graph.ExternalFiles.Count > 0)
        {
            options.AddSessionConfigEntry(
                "session.model_external_initializers_file_folder_path",
                Path.GetDirectoryName(Path.GetFullPath(source.Path))!
            );
        }

        try
        {
            using CancellationTokenRegistration stop = cancellation.UnsafeRegister(
                static state => ((SessionOptions)state!).SetLoadCancellationFlag(true),
                options
            );
            return new InferenceSession(source.Bytes.ToArray(), options);
        }
        catch (Exception trouble) when (trouble is not OutOfMemoryException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw Refusal(source, graph, trouble);
        }
    }

    /// <summary>The options of every session.</summary>
    public static SessionOptions Options()
    {
        UseQuietEnvironment();
        var options = new SessionOptions
        {
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
            ExecutionMode = ExecutionMode.ORT_SEQUENTIAL,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL,
        };
        options.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        options.AddSessionConfigEntry("session.inter_op.allow_spinning", "0");

        // What a run makes comes from the one arena of the process; weights do not, they are charged to the device.
        options.AddSessionConfigEntry("session.use_env_allocators", "1");
        options.AddSessionConfigEntry("session.use_device_allocator_for_initializers", "1");
        return options;
    }

    /// <summary>ONNX Runtime's message on one line, without its error code and the places in its source.</summary>
    public static string Explain(Exception trouble)
    {
        string text = SourcePlace().Replace(trouble.Message.ReplaceLineEndings(" "), "").Trim();
        int end = text.StartsWith("[ErrorCode:", StringComparison.Ordinal) ? text.IndexOf(']', StringComparison.Ordinal) : -1;
        return text[(end + 1)..].Trim().TrimEnd('.');
    }

    /// <summary>A file, a line and the function there, with up to three storeys of parentheses.</summary>
    [GeneratedRegex(
        @"\S+\.(?:cc|cpp|h|hpp):[0-9]+ [^()]*\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)(?: const)?(?: \[with [^\]]*\])? ?",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex SourcePlace();

    private static ModuleLoadException Refusal(EngineSource source, OnnxGraph graph, Exception trouble)
    {
        // The managed API keeps the error code inside the text only.
        bool unsupported =
            trouble is NotSupportedException
            || trouble.Message.Contains("NotImplemented", StringComparison.Ordinal)
            || trouble.Message.Contains("Unregistered TensorElementType", StringComparison.Ordinal)
            || trouble.Message.Contains("opset", StringComparison.OrdinalIgnoreCase)
            || trouble.Message.Contains("Unsupported model IR version", StringComparison.OrdinalIgnoreCase)
            || trouble.Message.Contains("is not a registered function/op", StringComparison.Ordinal)
            || trouble.Message.Contains("No Op registered", StringComparison.Ordinal);
        return new ModuleLoadException(
            unsupported ? FailureKind.NotSupported : FailureKind.InvalidModel,
            $"ONNX Runtime {(unsupported ? "does not support" : "refuses")} '{source.Path}' (opset {graph.Opset}): {Explain(trouble)}.",
            trouble
        );
    }

    /// <summary>The process-wide environment prints warnings unless it is made here first; whoever made it before keeps it.</summary>
    public static void UseQuietEnvironment()
    {
        lock (EnvironmentLock)
        {
            if (!OrtEnv.IsCreated)
            {
                var quiet = new EnvironmentCreationOptions { logId = "troupe", logLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL };
                OrtEnv.CreateInstanceWithOptions(ref quiet);
            }
        }
    }
}
