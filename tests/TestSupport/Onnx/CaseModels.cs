namespace Troupe.TestSupport.Onnx;

/// <summary>Small models, written by hand, whose files say other things than they do; each is <c>NAME/1/model.onnx</c>.</summary>
public static class CaseModels
{
    /// <summary>The models as a repository.</summary>
    public static string Repository => Path.Combine(AppContext.BaseDirectory, "Cases");

    /// <summary>The file of a model.</summary>
    public static string PathOf(string name) => Path.Combine(Repository, name, "1", "model.onnx");
}
