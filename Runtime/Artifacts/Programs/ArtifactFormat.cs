namespace Troupe.Runtime.Artifacts.Programs;

/// <summary>How a model was saved.</summary>
public enum ArtifactFormat
{
    /// <summary>A TensorRT plan alone (<c>ftrt…</c>), of <c>convert_exported_program_to_serialized_trt_engine</c> or trtexec.</summary>
    Plan,

    /// <summary>The container of torch_tensorrt's ExecuTorch delegate without aliased tensors.</summary>
    Tr01,

    /// <summary>The same, with outputs that share an input's memory.</summary>
    Tr02,

    /// <summary><c>torch_tensorrt.save(output_format="torchscript")</c></summary>
    TorchScript,

    /// <summary><c>torch_tensorrt.save(output_format="exported_program")</c>: a PT2 archive.</summary>
    ExportedProgram,

    /// <summary>The fields of one engine record, handed over in memory.</summary>
    Record,
}
