using System.Globalization;
using System.Text;
using Troupe.Hosting.Http.V2;
using Troupe.Hosting.Startup;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Memory;

namespace Troupe.Hosting.Bench;

/// <summary>Writes a V2 request with binary tensors, and a whole HTTP request around it.</summary>
internal static class InferRequestBytes
{
    /// <summary>The body: JSON, then the tensors; <paramref name="headerLength"/> bytes of it are JSON.</summary>
    public static byte[] Body(IReadOnlyList<Tensor> tensors, bool binaryOutput, out int headerLength)
    {
        using HostMemory memory = new();
        using ResponseBody body = new(memory);
        body.Write("{\"inputs\":["u8);
        for (int i = 0; i < tensors.Count; i++)
        {
            body.Write(i > 0 ? ",{\"name\":"u8 : "{\"name\":"u8);
            JsonText.WriteString(body, tensors[i].Name);
            string rest = $",\"datatype\":\"{tensors[i].Type.ProtocolName()}\",\"shape\":{tensors[i].Shape},\"parameters\":";
            body.Write(Encoding.UTF8.GetBytes(rest));
            body.Write(
                Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"binary_data_size\":{tensors[i].Data.Length}}}}}"))
            );
        }

        body.Write(binaryOutput ? "],\"parameters\":{\"binary_data_output\":true}}"u8 : "]}"u8);
        headerLength = body.Count;
        foreach (Tensor tensor in tensors)
        {
            body.Write(tensor.Data.Span);
        }

        return body.Written.ToArray();
    }

    /// <summary>A POST to a model, as it goes over the wire; outputs come back binary.</summary>
    public static byte[] Of(string model, IReadOnlyList<Tensor> tensors)
    {
        byte[] body = Body(tensors, binaryOutput: true, out int headerLength);
        string head = string.Create(
            CultureInfo.InvariantCulture,
            $"POST {Endpoints.Infer.Path(model)} HTTP/1.1\r\nHost: troupe\r\n{HeaderLength.Name}: {headerLength}\r\nContent-Length: {body.Length}\r\n\r\n"
        );
        return [.. Encoding.ASCII.GetBytes(head), .. body];
    }
}
