using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Engines.Onnx.Host;

/// <summary>Place of one tensor inside a binding's buffers.</summary>
internal readonly record struct OnnxTensorSlot(ElementType Type, TensorShape Shape, ulong Offset, ulong Bytes);
