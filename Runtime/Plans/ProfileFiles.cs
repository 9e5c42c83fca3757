using System.Text.Json;
using Troupe.Messages.Modes;

namespace Troupe.Runtime.Plans;

/// <summary>Writes profiles as files that the viewers of torch_tensorrt's profiles open: traces for Perfetto or TREx, and the layers of the
/// engine.</summary>
/// <remarks>Each forward overwrites the files of the one before. <b>Thread</b> the lane's holder. <b>Blocks</b> on the disk.</remarks>
internal static class ProfileFiles
{
    /// <param name="layerInformation">The engine's layers as JSON; null where it does not tell.</param>
    /// <param name="withDevice">Also the phase in which the device context was checked, under multi-device safe mode.</param>
    public static void Write(string folder, ProfilingFormat format, SegmentProfile profile, string? layerInformation, bool withDevice)
    {
        Directory.CreateDirectory(folder);
        string prefix = Path.Combine(folder, profile.Segment);
        WriteTrace($"{prefix}_input_profile.trace", format, profile.Segment, [("input", profile.Inputs)]);
        WriteTrace($"{prefix}_output_profile.trace", format, profile.Segment, [("output", profile.Outputs)]);
        WriteTrace($"{prefix}_enqueue_profile.trace", format, profile.Segment, [("enqueue", profile.Enqueue)]);
        WriteTrace($"{prefix}_engine_execution_profile.trace", format, profile.Segment, profile.RemoveLayers());
        if (withDevice)
        {
            WriteTrace($"{prefix}_device_config_profile.trace", format, profile.Segment, [("device", TimeSpan.Zero)]);
        }

        if (layerInformation is not null)
        {
            File.WriteAllText($"{prefix}_layer_information.json", layerInformation);
        }
    }

    private static void WriteTrace(string path, ProfilingFormat format, string engine, (string Name, TimeSpan Duration)[] rows)
    {
        using FileStream file = File.Create(path);
        using var json = new Utf8JsonWriter(file);
        switch (format)
        {
            case ProfilingFormat.Perfetto:
                WritePerfetto(json, engine, rows);
                break;
            case ProfilingFormat.Trex:
                WriteTrex(json, rows);
                break;
            case ProfilingFormat.Off:
                throw new ArgumentOutOfRangeException(nameof(format), format, "Profiling is off.");
        }
    }

    /// <summary>Complete events one after the other, in microseconds.</summary>
    private static void WritePerfetto(Utf8JsonWriter json, string engine, (string Name, TimeSpan Duration)[] rows)
    {
        json.WriteStartObject();
        json.WriteStartArray("traceEvents");
        double start = 0;
        foreach ((string name, TimeSpan duration) in rows)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteString("ph", "X");
            json.WriteNumber("ts", start);
            json.WriteNumber("dur", duration.TotalMicroseconds);
            json.WriteNumber("tid", 1);
            json.WriteString("pid", $"{engine} Engine Execution");
            json.WriteStartObject("args");
            json.WriteEndObject();
            json.WriteEndObject();
            start += duration.TotalMicroseconds;
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>The count of runs, then a row per layer with its share of the whole.</summary>
    private static void WriteTrex(Utf8JsonWriter json, (string Name, TimeSpan Duration)[] rows)
    {
        double total = rows.Sum(row => row.Duration.TotalMilliseconds);
        json.WriteStartArray();
        json.WriteStartObject();
        json.WriteNumber("count", 1);
        json.WriteEndObject();
        foreach ((string name, TimeSpan duration) in rows)
        {
            json.WriteStartObject();
            json.WriteString("name", name);
            json.WriteNumber("timeMs", duration.TotalMilliseconds);
            json.WriteNumber("averageMs", duration.TotalMilliseconds);
            json.WriteNumber("percentage", total > 0 ? 100 * duration.TotalMilliseconds / total : 0);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
