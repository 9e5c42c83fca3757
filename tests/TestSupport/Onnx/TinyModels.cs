using static Troupe.TestSupport.Onnx.TinyOnnx;

namespace Troupe.TestSupport.Onnx;

/// <summary>The small models that tests of the runtime share.</summary>
public static class TinyModels
{
    /// <summary>y = x + 1 over [1,4].</summary>
    public static TinyOnnx AddOne() =>
        new TinyOnnx()
            .Input("x", Element.Float, 1, 4)
            .Output("y", Element.Float, 1, 4)
            .Constant("one", [1f], 1)
            .Node("Add", ["x", "one"], ["y"]);

    /// <summary>y = scale * x over [n,width].</summary>
    public static TinyOnnx Scale(float scale, string from = "x", string to = "y", int width = 4) =>
        new TinyOnnx()
            .Input(from, Element.Float, "n", width)
            .Output(to, Element.Float, "n", width)
            .Constant("scale", [scale], 1)
            .Node("Mul", [from, "scale"], [to]);

    /// <summary>y = scale * x over [n], where scale is 3 unless it is given.</summary>
    public static TinyOnnx ScaledByInput() =>
        new TinyOnnx()
            .Input("x", Element.Float, "n")
            .Input("scale", Element.Float, 1)
            .Output("y", Element.Float, "n")
            .Constant("scale", [3f], 1)
            .Node("Mul", ["x", "scale"], ["y"]);

    /// <summary>y = a + b, both [n].</summary>
    public static TinyOnnx Sum(string a = "a", string b = "b", string to = "y") =>
        new TinyOnnx().Input(a, Element.Float, "n").Input(b, Element.Float, "n").Output(to, Element.Float, "n").Node("Add", [a, b], [to]);

    /// <summary>where = indexes of the elements of x that are not zero: [1,?], its size known only by running.</summary>
    public static TinyOnnx NonZero(string from = "x", string to = "where") =>
        new TinyOnnx().Input(from, Element.Float, "n").Output(to, Element.Int64, 1, "found").Node("NonZero", [from], [to]);

    /// <summary>y = x in reverse halves: its shape depends on the input's shape in a way that names of dimensions do not tell.</summary>
    public static TinyOnnx Doubled(string from = "x", string to = "y") =>
        new TinyOnnx().Input(from, Element.Float, "n").Output(to, Element.Float, "twice").Node("Concat", [from, from], [to], ("axis", 0));

    /// <summary>table = the products of a[n,1] and b[1,m], of a size that names of dimensions tell; total = their sum, a single
    /// number.</summary>
    public static TinyOnnx Table() =>
        new TinyOnnx()
            .Input("a", Element.Float, "n", 1)
            .Input("b", Element.Float, 1, "m")
            .Output("table", Element.Float, "n", "m")
            .Output("total", Element.Float)
            .Node("Mul", ["a", "b"], ["table"])
            .Node("ReduceSum", ["table"], ["total"], ("keepdims", 0));

    /// <summary>As <see cref="Table"/>, but that the table itself is no output.</summary>
    public static TinyOnnx TableTotal() =>
        new TinyOnnx()
            .Input("a", Element.Float, "n", 1)
            .Input("b", Element.Float, 1, "m")
            .Output("total", Element.Float)
            .Node("Mul", ["a", "b"], ["table"])
            .Node("ReduceSum", ["table"], ["total"], ("keepdims", 0));

    /// <summary>y = x + the sum of so many weights, which are zeros.</summary>
    public static TinyOnnx Heavy(long elements) =>
        new TinyOnnx()
            .Input("x", Element.Float, 1)
            .Output("y", Element.Float, 1)
            .Constant("weights", new float[elements], elements)
            .Constant("first", [0L], 1)
            .Node("Gather", ["weights", "first"], ["w"], ("axis", 0))
            .Node("Add", ["x", "w"], ["y"]);

    /// <summary>y = x in the shape that the values of "shape" say, known only by running; with several outputs, each the same.</summary>
    public static TinyOnnx Stretched(int outputs = 1)
    {
        TinyOnnx model = new TinyOnnx().Input("x", Element.Float, 1).Input("shape", Element.Int64, "k");
        for (int output = 0; output < outputs; output++)
        {
            string name = output == 0 ? "y" : $"y{output}";
            model.Output(name, Element.Float, "stretched").Node("Expand", ["x", "shape"], [name]);
        }

        return model;
    }

    /// <summary>y = x, strings both.</summary>
    public static TinyOnnx Texts(string from = "x", string to = "y") =>
        new TinyOnnx().Input(from, Element.String, "n").Output(to, Element.String, "n").Node("Identity", [from], [to]);

    /// <summary>doubled = twice the numbers that the strings of text name, as text; sum = those numbers and x: strings and numbers both
    /// ways.</summary>
    public static TinyOnnx TextsAndNumbers() =>
        new TinyOnnx()
            .Input("text", Element.String, "n")
            .Input("x", Element.Int64, "n")
            .Output("doubled", Element.String, "n")
            .Output("sum", Element.Int64, "n")
            .Node("Cast", ["text"], ["number"], ("to", (long)Element.Int64))
            .Node("Add", ["number", "number"], ["twice"])
            .Node("Cast", ["twice"], ["doubled"], ("to", (long)Element.String))
            .Node("Add", ["number", "x"], ["sum"]);

    /// <summary>y = x[i], where an index beyond x fails while it runs.</summary>
    public static TinyOnnx Pick() =>
        new TinyOnnx()
            .Input("x", Element.Float, "n")
            .Input("i", Element.Int64, "k")
            .Output("y", Element.Float, "k")
            .Node("Gather", ["x", "i"], ["y"], ("axis", 0));
}
