using System.ComponentModel;
using System.Diagnostics;
using Troupe.Runtime.Artifacts.Parsing;
using Troupe.Runtime.Artifacts.Pickle;
using Troupe.Runtime.Artifacts.Records;
using Troupe.Runtime.Artifacts.Zip;
using Troupe.TestSupport.Artifacts;

namespace Troupe.Runtime.Tests.Artifacts;

/// <summary>The fixtures of these tests, and the reader, against CPython's own pickle and zipfile; skipped where there is no
/// Python.</summary>
public sealed class PythonCrossCheckTests
{
    private const string Check = """
        import sys, base64, io, pickletools, zipfile
        for line in sys.stdin:
            data = base64.b64decode(line)
            if data[:2] == b'PK':
                assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
            else:
                pickletools.dis(data, io.StringIO())
            print('ok')
        """;

    private const string Make = """
        import sys, base64, io, pickle, types, zipfile
        fields = [line.rstrip('\n') for line in sys.stdin]
        names = 'torch_tensorrt.dynamo.runtime._TRTEngine'.split('.')
        for i in range(len(names)):
            sys.modules['.'.join(names[:i + 1])] = types.ModuleType('.'.join(names[:i + 1]))
        def _reconstruct_trt_engine(info): return info
        _reconstruct_trt_engine.__module__ = '.'.join(names)
        _reconstruct_trt_engine.__qualname__ = '_reconstruct_trt_engine'
        sys.modules['.'.join(names)]._reconstruct_trt_engine = _reconstruct_trt_engine
        class Engine:
            def __reduce__(self): return (_reconstruct_trt_engine, (fields,))
        for protocol in range(2, 6):
            print(base64.b64encode(pickle.dumps(Engine(), protocol)).decode())
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            file = io.BytesIO()
            with zipfile.ZipFile(file, 'w', method) as archive:
                archive.writestr('model/a', 'content of a ' * 9)
                with archive.open('model/b', 'w', force_zip64=True) as entry: entry.write(b'content of b')
            print(base64.b64encode(file.getvalue()).decode())
        """;

    [Fact]
    public async Task Python_reads_the_fixtures()
    {
        byte[][] fixtures =
        [
            PickleWriter.EngineConstant(RecordStrings.Fields()),
            PickleWriter.EngineConstant(RecordStrings.Fields(), 4),
            PickleWriter.Protocol(2).ScriptEngine(RecordStrings.Fields()).End(),
            Convert.FromBase64String(RecordStrings.Metadata(unowned: true)),
            SavedModels.ExportedProgram(),
            SavedModels.ExportedProgram(deflate: true),
            SavedModels.TorchScript(),
        ];
        Assert.Equal(fixtures.Length, (await Python(Check, fixtures.Select(Convert.ToBase64String))).Length);
    }

    [Fact]
    public async Task What_Python_writes_is_read()
    {
        string[] lines = await Python(Make, RecordStrings.Fields(unowned: true));
        Assert.Equal(6, lines.Length);
        foreach (string pickle in lines[..4])
        {
            PickleValue value = PickleReader.Read(
                Convert.FromBase64String(pickle),
                PicklePolicy.EngineConstant,
                ArtifactLimits.Default,
                "test"
            );
            EngineRecord record = EngineState.Record(value, "test");
            Assert.Equal(RecordStrings.Plan(), record.Plan.ToArray());
            Assert.True(record.OutputsAreUnowned);
        }

        foreach (string archive in lines[4..])
        {
            var zip = new ZipFile(new ByteSource.Memory(Convert.FromBase64String(archive)), ArtifactLimits.Default, "test");
            Assert.Equal(9 * 13, zip.Read("a").Length);
            Assert.Equal("content of b"u8, zip.Read("b").Span);
        }
    }

    private static async Task<string[]> Python(string script, IEnumerable<string> input)
    {
        var start = new ProcessStartInfo("python3")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(script);
        Process? started = null;
        try
        {
            started = Process.Start(start);
        }
        catch (Win32Exception)
        {
            Assert.Skip("python3 is not installed.");
        }

        using Process process = started!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        Task<string> errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.StandardInput.WriteAsync(string.Join('\n', input) + "\n");
        process.StandardInput.Close();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        return (await output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
