using System.Text;
using Troupe.Messages.Failures;
using Troupe.Messages.Identity;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Configuration;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Specs;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>A configuration in a model's folder, and the files that it names: in the folder, and in the repository whatever links
/// say; the calls of <see cref="WarmupRequests"/> among them.</summary>
public sealed class GivenConfigurationTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("troupe-configuration-").FullName;

    private string Repository => Path.Combine(_root, "repository");

    private string Folder => Path.Combine(Repository, "m");

    public GivenConfigurationTests() => Directory.CreateDirectory(Folder);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_folder_without_one_has_none() => Assert.Null(GivenConfiguration.Read(Repository, Folder));

    [Theory]
    [InlineData("config.pbtxt", "max_batch_size: 8 # as given")]
    [InlineData("config.json", "{ \"max_batch_size\" : 8 }")]
    public void Either_form_is_read_and_kept_as_it_was_given(string file, string text)
    {
        Write(file, text);
        GivenConfiguration given = GivenConfiguration.Read(Repository, Folder)!;
        Assert.Equal(text, Encoding.UTF8.GetString(given.Bytes.Span));
        Assert.Equal(8, Complete(given).MaxBatchSize);
    }

    [Fact]
    public void The_text_format_goes_before_the_other_and_an_empty_file_says_nothing()
    {
        Write("config.json", "{\"max_batch_size\":8}");
        Write("config.pbtxt", "");
        Assert.Equal(4, Complete(GivenConfiguration.Read(Repository, Folder)!).MaxBatchSize);
    }

    [Fact]
    public void A_hundred_megabytes_are_refused_before_they_are_read()
    {
        Write("config.pbtxt", "");
        using (FileStream file = File.OpenWrite(Path.Combine(Folder, "config.pbtxt")))
        {
            file.SetLength(100_000_000);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Contains("has 100000000 bytes; a configuration has at most 1048576", Refused().Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1_000_000);
    }

    [Theory]
    [InlineData(
        "config.pbtxt",
        "none.txt",
        "/m/config.pbtxt', which is a configuration, is a link to 'none.txt', where there is no file. Correct"
    )]
    [InlineData(
        "config.json",
        "none.txt",
        "/m/config.json', which is a configuration, is a link to 'none.txt', where there is no file. Correct"
    )]
    [InlineData("config.pbtxt", null, "/m/config.pbtxt' is a folder, and a configuration is a file. Put a file there, or nothing.")]
    public void What_stands_in_place_of_one_and_is_no_file_is_not_passed_over(string file, string? target, string problem)
    {
        string path = Path.Combine(Folder, file);
        FileSystemInfo made = target is null ? Directory.CreateDirectory(path) : File.CreateSymbolicLink(path, target);
        Assert.Contains(problem, Refused().Message, StringComparison.Ordinal);
        Assert.Equal(path, made.FullName);
    }

    [Theory]
    [InlineData("name: 'n'", "unexpected directory name 'm' for model 'n'")]
    [InlineData("name: 'm", "line 1, column 7: the text that begins here has no end")]
    public void What_is_wrong_with_it_is_said(string text, string problem)
    {
        Write("config.pbtxt", text);
        Assert.Contains(problem, Refused().Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Labels_are_the_lines_of_their_file()
    {
        Write("config.pbtxt", "output { name: 'z' label_filename: 'labels/z.txt' }");
        Write("labels/z.txt", "cat\r\ndog\n\nfish\n");
        Assert.Equal(["cat", "dog", "", "fish"], Complete(GivenConfiguration.Read(Repository, Folder)!).Labels["z"]);
    }

    [Theory]
    [InlineData("none.txt", "none.txt', which is a label file. Add it.")]
    [InlineData("../other/labels.txt", "which is outside")]
    [InlineData("/etc/hostname", "which is outside")]
    [InlineData("out.txt", "is a link out of the model repository")]
    [InlineData("away/labels.txt", "is a link out of the model repository")]
    [InlineData("circle.txt", "its links lead in a circle")]
    [InlineData("a\\000b", "a NUL character")]
    public void A_label_file_that_is_missing_or_elsewhere_is_refused(string file, string problem)
    {
        File.WriteAllText(Path.Combine(_root, "labels.txt"), "secret\n");
        File.CreateSymbolicLink(Path.Combine(Folder, "out.txt"), Path.Combine(_root, "labels.txt"));
        File.CreateSymbolicLink(Path.Combine(Folder, "away"), "../../");
        File.CreateSymbolicLink(Path.Combine(Folder, "circle.txt"), "circle.txt");
        Write("../other/labels.txt", "cat\n");
        Write("config.pbtxt", $"output {{ name: 'z' label_filename: '{file}' }}");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Complete(GivenConfiguration.Read(Repository, Folder)!));
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("away/ssl/../labels.txt")]
    [InlineData("./near/../other.txt")]
    public void A_link_goes_up_from_where_the_links_before_it_lead(string target)
    {
        // As text, both end in the model's own folder.
        Directory.CreateDirectory(Path.Combine(_root, "etc", "ssl", "certificates"));
        File.WriteAllText(Path.Combine(_root, "etc", "labels.txt"), "secret\n");
        Write("away/labels.txt", "cat\n");
        Write("other.txt", "cat\n");
        Write("../../other.txt", "secret\n");
        File.CreateSymbolicLink(Path.Combine(Folder, "away", "ssl"), Path.Combine(_root, "etc", "ssl"));
        File.CreateSymbolicLink(Path.Combine(Folder, "near"), "..");
        File.CreateSymbolicLink(Path.Combine(Folder, "labels.txt"), target);
        Write("config.pbtxt", "output { name: 'z' label_filename: 'labels.txt' }");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Complete(GivenConfiguration.Read(Repository, Folder)!));
        Assert.Contains("is a link out of the model repository", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Links_that_double_the_way_with_each_other_are_refused_after_a_few()
    {
        File.CreateSymbolicLink(Path.Combine(Folder, "l0"), ".");
        for (int index = 1; index <= 24; index++)
        {
            File.CreateSymbolicLink(Path.Combine(Folder, $"l{index}"), $"l{index - 1}/l{index - 1}");
        }

        Write("labels.txt", "cat\n");
        Write("config.pbtxt", "output { name: 'z' label_filename: 'l24/labels.txt' }");
        long before = GC.GetAllocatedBytesForCurrentThread();
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Complete(GivenConfiguration.Read(Repository, Folder)!));
        Assert.Contains("its links lead in a circle, or are too many", refused.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 10_000_000);
    }

    [Fact]
    public void A_link_within_the_repository_is_followed()
    {
        Write("../shared/labels.txt", "cat\n");
        File.CreateSymbolicLink(Path.Combine(Folder, "labels.txt"), "../shared/labels.txt");
        Write("config.pbtxt", "output { name: 'z' label_filename: 'labels.txt' }");
        Assert.Equal(["cat"], Complete(GivenConfiguration.Read(Repository, Folder)!).Labels["z"]);
    }

    [Fact]
    public void A_configuration_that_is_a_link_out_of_the_repository_is_refused()
    {
        File.WriteAllText(Path.Combine(_root, "config.pbtxt"), "");
        File.CreateSymbolicLink(Path.Combine(Folder, "config.pbtxt"), Path.Combine(_root, "config.pbtxt"));
        Assert.Contains("is a link out of the model repository", Refused().Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("zero_data: true", 0, "", 1)]
    [InlineData("zero_data: true", 3, "count: 5", 5)]
    [InlineData("random_data: true", 2, "", 1)]
    [InlineData("input_data_file: 'x.bin'", 2, "", 1)]
    [InlineData("input_data_file: 'longer.bin'", 2, "", 1)]
    public void A_warm_up_has_its_data(string data, int batch, string count, int calls)
    {
        Write("warmup/x.bin", "0123456789ab");
        Write("warmup/longer.bin", "0123456789abcdef");
        Write("config.pbtxt", Warmup($"dims: 3 data_type: TYPE_FP32 {data}", $"batch_size: {batch} {count}"));
        WarmupRequest request = Assert.Single(Warmup());
        Tensor input = Assert.Single(request.Inputs);
        Assert.Equal(calls, request.Count);
        Assert.Equal(new TensorShape(Math.Max(1, batch), 3), input.Shape);
        Assert.Equal(12 * Math.Max(1, batch), input.Data.Length);
        Assert.Equal(data.StartsWith("zero", StringComparison.Ordinal), !input.Data.Span.ContainsAnyExcept((byte)0));
        if (data.StartsWith("input", StringComparison.Ordinal))
        {
            Assert.Equal("0123456789ab0123456789ab", Encoding.ASCII.GetString(input.Data.Span));
        }
    }

    [Theory]
    [InlineData("dims: 3 input_data_file: 'none.bin'", "", "which is the data of a warm-up's input. Add it.")]
    [InlineData("dims: 3 input_data_file: 'short.bin'", "", "which has 4 bytes and needs 12")]
    [InlineData("dims: 3 input_data_file: '../config.pbtxt'", "", "which is outside")]
    [InlineData("dims: 3", "", "says nothing of the data of 'x'")]
    [InlineData("dims: 4 zero_data: true", "", "gives 'x' the shape [1,4], and the model takes [-1,3]")]
    [InlineData("dims: -1 zero_data: true", "", "each is at least 1")]
    [InlineData("dims: 3 data_type: TYPE_INT8 zero_data: true", "", "gives 'x' another type than the model's TYPE_FP32")]
    [InlineData("dims: 3 zero_data: true", "batch_size: 9", "has batch_size 9, and max_batch_size is 4")]
    [InlineData("dims: 3 zero_data: true", "count: 1000000000", "has count 1000000000: give at most 1000")]
    [InlineData("dims: 3 zero_data: true } } inputs { key: 'q' value { zero_data: true", "", "has the input 'q', which the model has not")]
    public void A_warm_up_that_does_not_fit_is_refused(string input, string more, string problem)
    {
        Write("warmup/short.bin", "0123");
        Write("config.pbtxt", Warmup(input, more));
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Warmup());
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        Assert.Contains(problem, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_warm_up_gives_every_input()
    {
        Write("config.pbtxt", "model_warmup { name: 'w' }");
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => Warmup());
        Assert.Contains("model_warmup 'w' of model 'm' gives nothing for the input 'x'", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_device_has_the_lanes_of_its_own_groups()
    {
        Write("config.pbtxt", "instance_group { gpus: 0 count: 2 } instance_group { gpus: [0, 1] count: 3 }");
        GivenConfiguration given = GivenConfiguration.Read(Repository, Folder)!;
        ModelConfiguration configuration = Complete(
            given,
            new DeviceDescription(0, "device", Emulated: true, 9, 0, 1 << 30),
            new DeviceDescription(1, "device", Emulated: true, 9, 0, 1 << 30)
        );
        Assert.Equal((5, 3), (configuration.LanesOn(0), configuration.LanesOn(1)));
    }

    private IReadOnlyList<WarmupRequest> Warmup()
    {
        GivenConfiguration given = GivenConfiguration.Read(Repository, Folder)!;
        return [.. Complete(given).WarmupOf(given)];
    }

    [Fact]
    public void What_travels_to_another_node_is_the_same_configuration_there()
    {
        Write("labels.txt", "one\ntwo\n");
        Write(
            "config.pbtxt",
            "max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: [ 1, 3 ] reshape { shape: [ 3 ] } } output { name: 'z' data_type: TYPE_FP32 dims: [ 3 ] label_filename: 'labels.txt' } parameters { key: 'k' value { string_value: 'v' } } instance_group { count: 3 }"
        );
        ModelConfiguration own = Complete(GivenConfiguration.Read(Repository, Folder)!);
        ModelConfiguration there = ModelConfiguration.FromBytes(own.ToBytes(), Module);
        Assert.Equal(own.ToBytes(), there.ToBytes());
        Assert.Equal(own.Labels["z"], there.Labels["z"]);
        Assert.Equal(
            own.Inputs.Select(input => $"{input.Name} {input.Shape}"),
            there.Inputs.Select(input => $"{input.Name} {input.Shape}")
        );
        Assert.Equal((8, true), (there.MaxBatchSize, there.Reshapes));
    }

    [Fact]
    public void What_travels_broken_is_refused_whatever_became_of_it()
    {
        Write("config.pbtxt", "max_batch_size: 8");
        byte[] bytes = Complete(GivenConfiguration.Read(Repository, Folder)!).ToBytes();
        for (int length = 0; length < bytes.Length; length++)
        {
            Assert.Throws<ModuleLoadException>(() => ModelConfiguration.FromBytes(bytes[..length], Module));
        }

        for (int index = 0; index < bytes.Length; index++)
        {
            byte[] changed = [.. bytes];
            changed[index] ^= 0xff;
            try
            {
                ModelConfiguration.FromBytes(changed, Module);
            }
            catch (ModuleLoadException)
            {
                // Refused in words; what happens to be a configuration is one.
            }
        }
    }

    private static string Warmup(string input, string more) =>
        $"model_warmup {{ name: 'w' {more} inputs {{ key: 'x' value {{ {input} }} }} }}";

    private ModuleLoadException Refused()
    {
        ModuleLoadException refused = Assert.Throws<ModuleLoadException>(() => GivenConfiguration.Read(Repository, Folder));
        Assert.Equal(FailureKind.InvalidModel, refused.Kind);
        return refused;
    }

    /// <summary>The model takes x FP32 [-1,3] and gives z of the same shape.</summary>
    private static ModuleSpec Module { get; } =
        new(
            new ModelVersion("m", 1, default),
            "onnxruntime_onnx",
            [new("x", ElementType.Fp32, new(-1, 3))],
            [new("z", ElementType.Fp32, new(-1, 3))],
            [],
            SafeToResend: true
        );

    private static ModelConfiguration Complete(GivenConfiguration given, params DeviceDescription[] devices)
    {
        return ModelConfiguration.Of(given, Module, "model.onnx", devices, lanes: 2, defaultMaxBatchSize: 4);
    }

    private void Write(string file, string text)
    {
        string path = Path.Combine(Folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
