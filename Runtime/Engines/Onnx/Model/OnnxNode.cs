namespace Troupe.Runtime.Engines.Onnx.Model;

/// <summary>One operator of an ONNX graph, without its attributes.</summary>
internal sealed record OnnxNode(string Operator, string Domain, IReadOnlyList<string> Inputs, IReadOnlyList<string> Outputs)
{
    public bool IsStandard => Domain is "" or "ai.onnx";

    public static OnnxNode Read(ReadOnlySpan<byte> node)
    {
        var inputs = new List<string>();
        var outputs = new List<string>();
        (string name, string domain) = ("", "");
        var reader = new ProtobufReader(node);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 1:
                    inputs.Add(reader.Text);
                    break;
                case 2:
                    outputs.Add(reader.Text);
                    break;
                case 4:
                    name = reader.Text;
                    break;
                case 7:
                    domain = reader.Text;
                    break;
            }
        }

        return new OnnxNode(name, domain, inputs, outputs);
    }
}
