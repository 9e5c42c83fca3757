using Akka.Actor;
using Akka.Configuration;
using Troupe.Actors.Models;
using Troupe.Actors.Node;
using Troupe.Embedding;
using Troupe.Messages.Forwarding;
using Troupe.Messages.Identity;
using Troupe.Messages.Models;
using Troupe.Messages.Modes;
using Troupe.Messages.Nodes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;

string models = Path.Combine(AppContext.BaseDirectory, "models");

// A blank picture: what a forward takes is a name, a type, a shape and the bytes.
Tensor image = new("image", ElementType.Fp32, new TensorShape(1, 1, 28, 28), new byte[28 * 28 * sizeof(float)]);

// 1. In this process, without actors: a module is loaded on a device and called directly.
using (LocalRuntime runtime = new(Platform.OpenEmulated(new EmulatedDevices(Count: 2))))
{
    LocalModule module = runtime.Load(Path.Combine(models, "fmnist", "1", "model.onnx"), device: 0);
    Console.WriteLine($"forward: {module.Forward(image)[0].Shape} {module.Spec.Outputs[0].Name}");

    // Two nested scopes. Each holds for this module until it is disposed of, in any order; the narrowest word counts, setting by setting.
    using (module.EnableCudaGraphs())
    {
        module.Forward(image);
        using (module.EnablePreAllocatedOutputs())
        {
            module.Forward(image);
            module.Forward(image);
            Console.WriteLine($"both scopes: {module.Counts.Replays > 0} {module.Counts.SetReuses > 0}");
        }
    }

    // Errors have a kind for code and a text for people.
    try
    {
        module.Forward(image with { Shape = new TensorShape(1, 1, 28, 27), Data = new byte[28 * 27 * sizeof(float)] });
    }
    catch (ForwardException refused)
    {
        Console.WriteLine($"{refused.Kind}: {refused.Message}");
    }

    try
    {
        runtime.Load(Path.Combine(models, "absent.onnx"));
    }
    catch (ModuleLoadException refused)
    {
        Console.WriteLine($"{refused.Kind}");
    }
}

// 2. As a node: every device is an actor, a router finds one for each forward, and modes travel with the forwards.
using Platform platform = Platform.OpenEmulated(new EmulatedDevices(Count: 2));
using ActorSystem system = ActorSystem.Create(
    "embedded",
    ConfigurationFactory
        .ParseString("akka { loglevel = WARNING, stdout-loglevel = WARNING }")
        .WithFallback(ConfigurationFactory.ParseString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "akka.hocon"))))
);
await using TroupeNode node = TroupeNode.Start(
    system,
    new TroupeNodeSpec { Platform = platform, Repository = new FolderModelRepository(models, Console.WriteLine) }
);

// Devices start beside each other; the view says when.
using (PeriodicTimer period = new(TimeSpan.FromMilliseconds(20)))
{
    while (node.View.Nodes.SelectMany(one => one.Gpus).Count(gpu => gpu.Health == GpuHealth.Ready) < platform.Devices.Count)
    {
        await period.WaitForNextTickAsync();
    }
}

switch (await node.LoadAsync(new LoadModel("fmnist"), node: null, CancellationToken.None))
{
    case ModelReply.Loaded loaded:
        Console.WriteLine($"loaded {loaded.Model.Name} on {loaded.Gpus.Length} devices");
        break;
    case ModelReply.Failed failed:
        Console.WriteLine($"{failed.Kind}: {failed.Detail}");
        return 1;
}

// A mode of one call alone, beside callers that run without it; and one that this model cannot have.
await ForwardAsync("fmnist", new ModeChange { CudaGraphs = CudaGraphsMode.PerSegment });
await ForwardAsync("fmnist", new ModeChange { Profile = ProfileChoice.Pinned(7) });
await ForwardAsync("absent", null);
return 0;

async Task ForwardAsync(string model, ModeChange? modes)
{
    AnsweredForward answered = new();
    node.Forward(
        new Forward
        {
            Id = node.NextRequestId(),
            Model = new ModelReference(model),
            Inputs = [image],
            Modes = modes,
        },
        answered
    );
    Console.WriteLine(
        await answered.Reply switch
        {
            ForwardReply.Succeeded succeeded => $"{model}: {succeeded.Outputs[0].Shape} after {succeeded.Report.Attempts} attempt",
            ForwardReply.Failed failed => $"{model}: {failed.Kind}: {failed.Detail}",
            _ => "no other reply exists",
        }
    );
}
