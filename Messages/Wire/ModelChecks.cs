using Troupe.Messages.Formatters;
using Troupe.Messages.Models;

namespace Troupe.Messages.Wire;

/// <summary>What makes the messages about models valid.</summary>
internal static class ModelChecks
{
    public static void Load(this WireCheck check, LoadModel load)
    {
        check.Name(load.Name, "the name of a model");
        check.NotNegative(load.Number ?? 0, "the version of a model");
        check.OptionalText(load.Path, "the path of a model", WireLimits.PathBytes);
        if (load.Gpus is not null)
        {
            check.Each(load.Gpus, "the devices", static (check, ordinal) => check.NotNegative(ordinal, "the ordinal of a device"));
        }

        if (load.Replaces is not null)
        {
            check.Each(load.Replaces, "the contents that are replaced", static (_, _) => { });
        }
    }

    public static void Unload(this WireCheck check, UnloadModel unload)
    {
        check.Name(unload.Name, "the name of a model");
        check.NotNegative(unload.Number ?? 0, "the version of a model");
    }

    public static void Reply(this WireCheck check, ModelReply reply)
    {
        switch (reply)
        {
            case ModelReply.Loaded loaded:
                check.Version(loaded.Model);
                check.Each(loaded.Gpus, "the devices", static (check, gpu) => check.Gpu(gpu));
                break;
            case ModelReply.Unloaded unloaded:
                check.Name(unloaded.Name, "the name of a model");
                check.Each(unloaded.Numbers, "the versions", static (check, number) => check.NotNegative(number, "the version of a model"));
                break;
            case ModelReply.Failed failed:
                check.Name(failed.Name, "the name of a model");
                check.Defined(failed.Kind, "the kind of a failure");
                check.Prose(failed.Detail, "the detail of a failure");
                break;
        }
    }

    public static void Ask(this WireCheck check, AskModels ask)
    {
        check.Node(ask.From);
        switch (ask.Load, ask.Unload)
        {
            case ({ } load, null):
                check.Load(load);
                break;
            case (null, { } unload):
                check.Unload(unload);
                break;
            default:
                check.Fail("it asks for a load and an unload, or for neither", "one of them");
                break;
        }
    }

    public static void AskConfiguration(this WireCheck check, AskConfiguration ask)
    {
        check.Node(ask.From);
        check.Version(ask.Model);
        check.NotNegative(ask.Offset, "the offset of a part");
    }

    public static void Part(this WireCheck check, ConfigurationPart part)
    {
        check.NotNegative(part.Length, "the length of a configuration");
        if (part.Bytes.Length > ConfigurationPart.MostBytes)
        {
            check.Fail($"a part has {part.Bytes.Length} bytes", $"at most {ConfigurationPart.MostBytes}");
        }
    }

    public static void Answered(this WireCheck check, ModelsAnswered answered)
    {
        check.Present(answered.Reply, "the reply");
        check.Reply(answered.Reply);
    }

    public static void Snapshot(this WireCheck check, ModelSnapshot model)
    {
        check.Version(model.Model);
        check.Defined(model.State, "the state of a model");
        check.Prose(model.Reason, "the reason of a model's state");
        check.Text(model.Platform, "the platform of a model", WireLimits.NameBytes);
        check.Specs(model.Inputs, "the inputs of a model");
        check.Specs(model.Outputs, "the outputs of a model");
        check.Each(model.Gpus, "the devices of a model", static (check, gpu) => check.Gpu(gpu));
        check.NotNegative(model.Generation, "the generation of a model's content");
    }
}
