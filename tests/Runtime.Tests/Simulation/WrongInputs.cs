using Troupe.Messages.Tensors;

namespace Troupe.Runtime.Tests.Simulation;

/// <summary>Inputs that do not fit a module, and what the refusal has to say.</summary>
internal static class WrongInputs
{
    /// <summary>Makes inputs wrong in one random way; returns a part of the text that must come.</summary>
    public static string Spoil(ModuleCase module, Random random, ref Tensor[] inputs)
    {
        int expected = module.Inputs.Length;
        Tensor first = inputs[0];
        switch (random.Next(6))
        {
            case 0:
                inputs = inputs[..^1];
                return $"Wrong number of inputs, expected {expected} got {expected - 1}.";
            case 1:
                inputs = [.. inputs, first with { Name = "more" }];
                return $"Wrong number of inputs, expected {expected} got {expected + 1}.";
            case 2:
                inputs = [first with { Name = "stranger" }, .. inputs[1..]];
                return "has no input 'stranger'";
            case 3:
                inputs = [first with { Type = ElementType.Int32 }, .. inputs[1..]];
                return "Expected input tensors to have type FP32";
            case 4:
                inputs = [first with { Shape = new TensorShape([.. Enumerable.Repeat(1L, first.Shape.Rank + 1)]) }, .. inputs[1..]];
                return "has the shape";
            default:
                inputs = [first with { Data = new byte[first.Data.Length + 4] }, .. inputs[1..]];
                return "bytes; its type FP32 and shape";
        }
    }
}
