namespace Troupe.TestSupport.Artifacts;

/// <summary>Exported programs of given engines and given nodes.</summary>
public static class SavedPrograms
{
    /// <summary>x -> engine -> y, under names that are not the engine's.</summary>
    public static byte[] OneEngine(string[] fields) =>
        Of([fields], [SavedModels.Execute("execute_engine", "custom_obj_0", ["arg0"], ["getitem"])], ["arg0"], ["getitem"]);

    /// <summary>A program of these engines, by index <c>custom_obj_N</c>, on attributes <c>_run_on_acc_N_engine</c>.</summary>
    public static byte[] Of(
        IReadOnlyList<string[]> engines,
        object[] nodes,
        string[] inputs,
        string[] outputs,
        object[]? moreOutputs = null,
        object[]? moreInputs = null
    )
    {
        object[] inputSpecs =
        [
            .. engines.Select(
                (_, index) =>
                    (object)
                        new
                        {
                            custom_obj = new
                            {
                                arg = new { name = $"custom_obj_{index}", class_fqn = "" },
                                custom_obj_name = Attribute(index),
                            },
                        }
            ),
            .. inputs.Select(name => (object)new { user_input = new { arg = SavedModels.Tensor(name) } }),
            .. moreInputs ?? [],
        ];
        object[] outputSpecs =
        [
            .. moreOutputs ?? [],
            .. outputs.Select(name => (object)new { user_output = new { arg = SavedModels.Tensor(name) } }),
        ];
        return SavedModels.ExportedProgram(entries =>
        {
            entries["models/model.json"] = SavedModels.Json(SavedModels.TwoEngines(nodes, inputSpecs, outputSpecs));
            entries["data/constants/model_constants_config.json"] = SavedModels.Json(
                new
                {
                    config = engines
                        .Select((_, index) => index)
                        .ToDictionary(
                            Attribute,
                            index =>
                                (object)
                                    new
                                    {
                                        path_name = $"opaque_obj_{index}",
                                        is_param = false,
                                        use_pickle = true,
                                        tensor_meta = (object?)null,
                                    }
                        ),
                }
            );
            for (int index = 0; index < engines.Count; index++)
            {
                entries[$"data/constants/opaque_obj_{index}"] = PickleWriter.EngineConstant(engines[index]);
            }
        });
    }

    private static string Attribute(int index) => $"_run_on_acc_{index}_engine";
}
