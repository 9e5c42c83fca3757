using System.Text.Json;
using Troupe.TestSupport.Artifacts;
using Troupe.TestSupport.Onnx;

namespace Troupe.Hosting.Tests.Http.V2;

/// <summary>Artifacts in a model repository, served over HTTP like any other model.</summary>
public sealed class ServedArtifactTests : IDisposable
{
    private readonly ModuleFolder _repository = new();

    public void Dispose() => _repository.Dispose();

    [Fact, Trait("row", "SE-04")]
    public async Task A_plan_a_program_and_a_manifest_of_a_plan_answer_over_HTTP()
    {
        byte[] plan = PackedEngines.Scale(3);
        string[] fields = RecordStrings.Fields(inputs: "x", outputs: "y", plan: plan);
        Put("plan", "model.plan", plan);
        Put("program", "model.pt2", SavedPrograms.OneEngine(fields));
        Put("script", "model.ts", SavedModels.TorchScript(fields: fields));
        Put("manifest", "net.plan", plan);
        Put(
            "manifest",
            "module.json",
            """
            { "inputs": [{ "name": "x", "dtype": "FP32", "shape": ["n", 4] }], "outputs": [{ "name": "y", "dtype": "FP32", "shape": ["n", 4] }],
              "segments": [{ "name": "_run_on_acc_0", "backend": "tensorrt", "file": "net.plan", "inputs": ["x"], "outputs": ["y"] }] }
            """u8.ToArray()
        );
        await using ServedNode node = await ServedNode.StartAsync(_repository.Path, "plan", "program", "script", "manifest");

        foreach ((string model, string input) in new[] { ("plan", "x"), ("program", "arg0"), ("script", "x"), ("manifest", "x") })
        {
            JsonElement answer = await node.AskAsync("POST", $"/v2/models/{model}/infer", Request(input));
            Assert.Equal(
                [3, 6, 9, 12],
                answer.GetProperty("outputs")[0].GetProperty("data").EnumerateArray().Select(value => value.GetDouble())
            );
        }

        JsonElement metadata = await node.AskAsync("GET", "/v2/models/plan");
        Assert.Equal("tensorrt_plan", metadata.GetProperty("platform").GetString());
    }

    [Fact]
    public async Task An_artifact_that_cannot_run_here_says_why_and_the_next_model_loads()
    {
        Put("real", "model.plan", RecordStrings.Plan());
        Put("broken", "model.pt2", [1, 2, 3, 4, 5]);
        Put("two", "model.plan", PackedEngines.Scale(2));
        Put("two", "model.onnx", TinyModels.Scale(2).ToBytes());
        Put("good", "model.plan", PackedEngines.Scale(2));
        await using ServedNode node = await ServedNode.StartAsync(_repository.Path);

        Assert.Contains("wants the back end 'tensorrt'", await Refusal(node, "real"), StringComparison.Ordinal);
        Assert.Contains("no known format", await Refusal(node, "broken"), StringComparison.Ordinal);
        Assert.Contains("holds model.onnx and model.plan", await Refusal(node, "two"), StringComparison.Ordinal);
        await node.AskAsync("POST", "/v2/repository/models/good/load", "{}");
        Assert.Equal(
            2,
            (await node.AskAsync("POST", "/v2/models/good/infer", Request("x")))
                .GetProperty("outputs")[0]
                .GetProperty("data")[0]
                .GetDouble()
        );
    }

    private static async Task<string> Refusal(ServedNode node, string model)
    {
        (int status, JsonElement body) = await node.SendAsync("POST", $"/v2/repository/models/{model}/load", "{}");
        Assert.Equal(400, status);
        return body.GetProperty("error").GetString()!;
    }

    private static string Request(string input) =>
        $$"""{ "inputs": [{ "name": "{{input}}", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4] }] }""";

    private void Put(string model, string file, byte[] bytes)
    {
        string folder = Path.Combine(_repository.Path, model, "1");
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, file), bytes);
    }
}
