using System.Diagnostics;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using Troupe.Actors.Node;
using Troupe.Hosting.Edge;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;

namespace Troupe.Hosting.Demo;

/// <summary>Sends the pictures through a node's router, a few at a time, and holds every answer against a direct ONNX Runtime
/// call.</summary>
internal sealed class DemoRun(ITroupeNode node, ModelReference model, FashionMnist pictures)
{
    /// <summary>Forwards on their way at once: enough to keep two devices busy.</summary>
    private const int Window = 8;

    private readonly double[] _micros = new double[pictures.Images.Count];
    private readonly float[][] _answers = new float[pictures.Images.Count][];
    private readonly Dictionary<GpuId, int> _forwards = [];
    private readonly Lock _gate = new();

    /// <param name="progress">Told after each answer how many there are.</param>
    /// <exception cref="InvalidOperationException">A forward was answered with a failure.</exception>
    public async Task<DemoResult> RunAsync(Action<int> progress, CancellationToken stop)
    {
        // Compiled and warm before anything is timed: one forward per device and lane.
        await Task.WhenAll(Enumerable.Range(0, Window).Select(_ => ForwardAsync(0)));
        int done = 0;
        long started = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(
            Enumerable.Range(0, _answers.Length),
            new ParallelOptions { MaxDegreeOfParallelism = Window, CancellationToken = stop },
            async (index, _) =>
            {
                long sent = Stopwatch.GetTimestamp();
                ForwardReply.Succeeded reply = await ForwardAsync(index);
                _micros[index] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
                _answers[index] = MemoryMarshal.Cast<byte, float>(reply.Outputs[0].Data.Span).ToArray();
                lock (_gate)
                {
                    CollectionsMarshal.GetValueRefOrAddDefault(_forwards, reply.Report.Gpu, out bool _)++;
                    progress(++done);
                }
            }
        );
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return Judge(seconds);
    }

    private async Task<ForwardReply.Succeeded> ForwardAsync(int index)
    {
        ForwardCall call = new();
        node.Forward(
            new Forward
            {
                Id = node.NextRequestId(),
                Model = model,
                Inputs =
                [
                    new Tensor(
                        "image",
                        ElementType.Fp32,
                        new TensorShape(1, 1, FashionMnist.Side, FashionMnist.Side),
                        pictures.Images[index]
                    ),
                ],
            },
            call
        );
        return await call.Reply switch
        {
            ForwardReply.Succeeded succeeded => succeeded,
            ForwardReply.Failed failed => throw new InvalidOperationException(
                $"picture {index} was answered {failed.Kind}: {failed.Detail}"
            ),
            _ => throw new UnreachableException(),
        };
    }

    private DemoResult Judge(double seconds)
    {
        int correct = 0,
            mismatches = 0;
        using Microsoft.ML.OnnxRuntime.SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        using InferenceSession session = new(SampleFiles.FashionMnistModel, options);
        using RunOptions run = new();
        for (int index = 0; index < _answers.Length; index++)
        {
            float[] image = MemoryMarshal.Cast<byte, float>(pictures.Images[index]).ToArray();
            using OrtValue input = OrtValue.CreateTensorValueFromMemory(image, [1, 1, FashionMnist.Side, FashionMnist.Side]);
            using IDisposableReadOnlyCollection<OrtValue> direct = session.Run(run, ["image"], [input], ["logits"]);
            mismatches += direct[0].GetTensorDataAsSpan<float>().SequenceEqual(_answers[index]) ? 0 : 1;
            correct += Array.IndexOf(_answers[index], _answers[index].Max()) == pictures.Labels[index] ? 1 : 0;
        }

        Array.Sort(_micros);
        return new DemoResult(
            _answers.Length,
            correct,
            mismatches,
            [.. node.View.Nodes[0].Gpus.Select(gpu => new DemoDevice(gpu.Gpu.ToString(), _forwards.GetValueOrDefault(gpu.Gpu)))],
            Math.Round(_micros[_micros.Length / 2], 1),
            Math.Round(_micros[_micros.Length * 99 / 100], 1),
            Math.Round(_answers.Length / seconds, 1)
        );
    }
}
