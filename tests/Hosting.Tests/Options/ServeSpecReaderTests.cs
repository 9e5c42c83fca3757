using Troupe.Hosting.Options;

namespace Troupe.Hosting.Tests.Options;

public sealed class ServeSpecReaderTests
{
    [Fact]
    public void Nothing_written_gives_the_documented_defaults()
    {
        ServeSpec spec = Read([], [], out IReadOnlyList<OptionProblem>? problems);

        Assert.Empty(problems);
        Assert.Equal("127.0.0.1:8000", spec.Http.ToString());
        Assert.Equal("127.0.0.1:8002", spec.Metrics!.ToString());
        Assert.Equal("127.0.0.1:4053", spec.Cluster!.ToString());
        Assert.Equal("auto", spec.Devices.ToString());
        Assert.Empty(spec.Models);
        Assert.Equal((ModelControl.Explicit, TimeSpan.FromSeconds(15), true), (spec.ModelControl, spec.PollInterval, spec.StrictReadiness));
        Assert.Empty(spec.Join);
        Assert.Equal(TimeSpan.FromSeconds(30), spec.DrainTimeout);
        Assert.Equal(TimeSpan.FromSeconds(20), spec.Watchdog);
        Assert.Equal((64L << 20, 1L << 30, 1L << 30), (spec.MaxRequestBytes, spec.MaxRequestMemoryBytes, spec.MaxOutputBytes));
    }

    [Fact]
    public void Several_repositories_are_named_each_once()
    {
        string one = Directory.CreateTempSubdirectory("troupe-one-").FullName,
            other = Directory.CreateTempSubdirectory("troupe-other-").FullName;
        ServeSpec spec = Read(
            [("models", one), ("models", other), ("model-control", "poll"), ("poll-interval", "1m")],
            [],
            out IReadOnlyList<OptionProblem>? problems
        );
        Assert.Empty(problems);
        Assert.Equal([one, other], spec.Models);
        Assert.Equal((ModelControl.Poll, TimeSpan.FromMinutes(1)), (spec.ModelControl, spec.PollInterval));

        Read([("models", one), ("models", one + "/")], [], out problems);
        Assert.Equal($"--models: '{one}/': this folder is given twice; leave one", Assert.Single(problems).Text);
        Read([("models", one), ("model-control", "poll"), ("load", "m")], [], out problems);
        Assert.StartsWith("--load: 'm': a polled repository is served whole", Assert.Single(problems).Text, StringComparison.Ordinal);
        Directory.Delete(one);
        Directory.Delete(other);
    }

    [Fact]
    public void Folders_for_loads_by_path_are_there_and_may_be_several()
    {
        string one = Directory.CreateTempSubdirectory("troupe-one-").FullName,
            other = Directory.CreateTempSubdirectory("troupe-other-").FullName;
        ServeSpec spec = Read([("allow-path", one), ("allow-path", other)], [], out IReadOnlyList<OptionProblem>? problems);
        Assert.Empty(problems);
        Assert.Equal([one, other], spec.AllowPath);
        Directory.Delete(one);
        Directory.Delete(other);
        Read([("allow-path", one)], [], out problems);
        Assert.Equal($"--allow-path: '{one}': there is no such folder; name an existing one", Assert.Single(problems).Text);
    }

    [Theory]
    [InlineData("http", "127.0.0.1:99999", "'99999' is not a port (0 to 65535); write ADDRESS:PORT, e.g. 127.0.0.1:8000")]
    [InlineData("http", "localhost:", "'' is not a port")]
    [InlineData("http", ":8000", "'' is not a host name")]
    [InlineData("http", "::1:8000", "an IPv6 address stands in brackets")]
    [InlineData("http", "off", "'off' is not a port")]
    [InlineData("metrics", "on", "'on' is not a port (0 to 65535); write ADDRESS:PORT, e.g. 127.0.0.1:8000, or off")]
    [InlineData("cluster", "0.0.0.0:4053", "other nodes must be able to call this address")]
    [InlineData("join", "a b:1", "'a b' is not a host name or an IP address")]
    [InlineData("join", "127.0.0.1:0", "a node to join has a port above 0")]
    [InlineData("devices", "emulated:0", "write auto, cuda or emulated:N with N from 1 to 64")]
    [InlineData("devices", "host:65", "write auto, cuda or emulated:N with N from 1 to 64")]
    [InlineData("devices", "gpu", "write auto, cuda or emulated:N")]
    [InlineData("queue-limit", "0", "write a whole number from 1 to 1000000")]
    [InlineData("lanes", "2.5", "write a whole number from 1 to 64")]
    [InlineData("device-memory", "0", "write a whole number of bytes, or one with KiB, MiB or GiB")]
    [InlineData("separate-blocks", "maybe", "write on or off")]
    [InlineData("device-memory", "2 GB", "write a whole number of bytes, or one with KiB, MiB or GiB")]
    [InlineData("max-request", "-1", "write a whole number of bytes")]
    [InlineData("max-request", "2GiB", "at most 2147483647")]
    [InlineData("default-max-batch-size", "-1", "write a whole number from 0 to 1000000")]
    [InlineData("request-timeouts", "yes", "write on or off")]
    [InlineData("models", "", "this is no path; name one or leave the option out")]
    [InlineData("hocon", " ", "this is no path; name one or leave the option out")]
    [InlineData("model-control", "Poll", "write none, poll or explicit")]
    [InlineData("model-control", "poll", "there is no repository to look at; name one with --models")]
    [InlineData("poll-interval", "1s", "nothing is polled; add --model-control poll or leave it out")]
    [InlineData("strict-readiness", "no", "write on or off")]
    [InlineData("max-output", "0", "write a whole number of bytes")]
    [InlineData("watchdog", "900ms", "write a time from 1s to 24h, e.g. 20s")]
    [InlineData("watchdog", "25h", "write a time from 1s to 24h, e.g. 20s")]
    [InlineData("drain-timeout", "30", "write a number with ms, s, m or h, e.g. 30s")]
    [InlineData("log-level", "loud", "write trace, debug")]
    [InlineData("log-level", "2", "write trace, debug")]
    [InlineData("log-format", "xml", "write line or json")]
    [InlineData("versions", "fmnist", "write NAME=newest")]
    [InlineData("versions", "=2", "write NAME=newest")]
    [InlineData("versions", "fmnist=0", "write NAME=newest")]
    public void A_value_that_cannot_be_used_is_one_problem_naming_key_value_and_fix(string name, string value, string fix)
    {
        Read([(name, value)], [], out IReadOnlyList<OptionProblem>? problems);

        OptionProblem problem = Assert.Single(problems);
        Assert.StartsWith($"--{name}: '{value}': ", problem.Text, StringComparison.Ordinal);
        Assert.Contains(fix, problem.Text, StringComparison.Ordinal);
        Assert.False(problem.IsMissingPath);
    }

    [Fact]
    public void Versions_are_given_for_each_model_once()
    {
        ServeSpec spec = Read(
            [("versions", "a=newest:50%"), ("versions", "b=1=90+2=10"), ("versions", "c=newest")],
            [],
            out IReadOnlyList<OptionProblem>? problems
        );
        Assert.Empty(problems);
        Assert.Equal(["newest:50%", "1=90,2=10", null], spec.Versions.Values.Select(choice => choice.Words));
        Read([("versions", "a=1"), ("versions", "a=2")], [], out problems);
        Assert.Contains("named twice", Assert.Single(problems).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("models")]
    [InlineData("hocon")]
    public void A_path_that_is_not_there_is_told_apart(string name)
    {
        Read([(name, "/no/such/thing")], [], out IReadOnlyList<OptionProblem>? problems);

        Assert.True(Assert.Single(problems).IsMissingPath);
    }

    [Fact]
    public void The_largest_body_is_what_one_array_holds()
    {
        ServeSpec spec = Read(
            [("max-request", "2147483647"), ("max-request-memory", "2GiB")],
            [],
            out IReadOnlyList<OptionProblem>? problems
        );

        Assert.Empty(problems);
        Assert.Equal((int.MaxValue, 1L << 31), (spec.MaxRequestBytes, spec.MaxRequestMemoryBytes));
    }

    [Theory]
    [InlineData("0", "e.g. 64MiB")]
    [InlineData("-1", "e.g. 64MiB")]
    [InlineData("1000000GiB", "that this process may use here")]
    [InlineData("63MiB", "one body alone may have 67108864 bytes, all together 66060288; raise --max-request-memory")]
    public void A_memory_for_requests_that_cannot_be_is_one_problem_that_says_why(string written, string why)
    {
        Read([("max-request-memory", written)], [], out IReadOnlyList<OptionProblem>? problems);

        OptionProblem problem = Assert.Single(problems);
        Assert.StartsWith($"--max-request-memory: '{written}': ", problem.Text, StringComparison.Ordinal);
        Assert.Contains(why, problem.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("TROUPE_HTPP", true)]
    [InlineData("troupe_http_", true)]
    [InlineData("TROUPE_URL", false)]
    [InlineData("TROUPE_STACKTRACE", false)]
    [InlineData("TROUPE_HTTP_PORT", true)]
    [InlineData("TROUPE_PORT_8000_TCP_ADDR", true)]
    [InlineData("TROUPE_METRICS_SERVICE_HOST", true)]
    [InlineData("TROUPE_SERVICE_PORT_HTTP", true)]
    [InlineData("HTTP", false)]
    public void A_variable_that_looks_like_a_setting_and_is_none_is_refused(string name, bool refused)
    {
        Read([], [(name, "9000")], out IReadOnlyList<OptionProblem>? problems);

        Assert.Equal(refused ? [$"{name} is not a variable that is read"] : [], problems.Select(problem => problem.Text.Split(';')[0]));
    }

    [Theory]
    [InlineData("TROUPE", "tcp")]
    [InlineData("TROUPE_METRICS", "udp")]
    [InlineData("TROUPE_HTTP", "sctp")]
    public void What_Kubernetes_tells_of_a_service_is_no_setting(string service, string protocol)
    {
        string port = $"{service}_PORT_8000_{protocol.ToUpperInvariant()}";
        Read(
            [],
            [
                ($"{service}_SERVICE_HOST", "10.0.0.11"),
                ($"{service}_SERVICE_PORT", "8000"),
                ($"{service}_SERVICE_PORT_HTTP", "8000"),
                ($"{service}_PORT", $"{protocol}://10.0.0.11:8000"),
                (port, $"{protocol}://10.0.0.11:8000"),
                ($"{port}_PROTO", protocol),
                ($"{port}_PORT", "8000"),
                ($"{port}_ADDR", "10.0.0.11"),
            ],
            out IReadOnlyList<OptionProblem>? problems
        );

        Assert.Empty(problems);
    }

    [Fact]
    public void A_single_setting_that_is_given_twice_is_refused_and_a_list_is_not()
    {
        Read(
            [("http", "127.0.0.1:1"), ("http", "127.0.0.1:2"), ("join", "127.0.0.1:3"), ("join", "127.0.0.1:4")],
            [],
            out IReadOnlyList<OptionProblem>? problems
        );

        Assert.Equal("--http is given twice; leave one", Assert.Single(problems).Text);
    }

    [Fact]
    public void A_file_that_cannot_be_read_is_told_apart()
    {
        // A folder where a file should be cannot be read by anybody.
        ServeOptions options = ServeOptions.Read(_ => [], new Dictionary<string, string>(), Path.GetTempPath());
        ServeSpecReader.Read(options, out IReadOnlyList<OptionProblem>? problems);

        Assert.True(Assert.Single(problems).IsMissingPath);
    }

    [Fact]
    public void Every_problem_is_reported_at_once()
    {
        Read([("http", "x"), ("devices", "y"), ("models", "/no/such")], [], out IReadOnlyList<OptionProblem>? problems);

        Assert.Equal(3, problems.Count);
    }

    [Fact]
    public void The_command_line_hides_the_environment_which_hides_the_settings_file()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(
                file,
                """{ "Troupe": { "QueueLimit": 5, "Lanes": "3", "Http": "127.0.0.1:1", "Join": ["10.0.0.1:1", "10.0.0.2:2"] } }"""
            );
            ServeOptions options = ServeOptions.Read(
                key => key == OptionKeys.Http ? ["127.0.0.1:3"] : [],
                new Dictionary<string, string> { ["TROUPE_HTTP"] = "127.0.0.1:2", ["TROUPE_QUEUE_LIMIT"] = "6" },
                file
            );
            ServeSpec spec = ServeSpecReader.Read(options, out IReadOnlyList<OptionProblem>? problems);

            Assert.Empty(problems);
            Assert.Equal((3, 6, 3), (spec.Http.Port, spec.QueueLimit, spec.Lanes));
            Assert.Equal(["10.0.0.1:1", "10.0.0.2:2"], spec.Join.Select(address => address.ToString()));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData("{", "Expected depth to be zero")]
    [InlineData("[]", "is not an object")]
    [InlineData("""{ "Trupe": { "Lanes": 2 } }""", "Trupe is not a section that is read; settings stand in Troupe")]
    [InlineData("""{ "troupe": { "Lanes": 65 } }""", "'65': write a whole number from 1 to 64")]
    [InlineData("""{ "Troupe": { "Lanes": 2, "lanes": 3 } }""", "Troupe:lanes is given twice; leave one")]
    [InlineData("""{ "$schema": "x", "Troupe": { "Htpp": "x" } }""", "Troupe:Htpp is not a setting")]
    [InlineData("\uFEFF{ \"Troupe\": 5 }", "Troupe is not an object")]
    [InlineData("""{ "Troupe": 5 }""", "Troupe is not an object")]
    [InlineData("""{ "Troupe": { "Htpp": "x" } }""", "Troupe:Htpp is not a setting; known are Models")]
    [InlineData("""{ "Troupe": { "Lanes": true } }""", "Troupe:Lanes is true; write a string or a number")]
    [InlineData("""{ "Troupe": { "Lanes": "many" } }""", "Troupe:Lanes: 'many': write a whole number from 1 to 64")]
    public void A_problem_in_a_settings_file_names_the_file_and_the_key(string json, string expected)
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, json);
            ServeSpecReader.Read(
                ServeOptions.Read(_ => [], new Dictionary<string, string>(), file),
                out IReadOnlyList<OptionProblem>? problems
            );

            OptionProblem problem = Assert.Single(problems);
            Assert.StartsWith(file, problem.Text, StringComparison.Ordinal);
            Assert.Contains(expected, problem.Text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void A_list_in_the_environment_is_separated_by_commas_and_may_name_the_node_itself()
    {
        ServeSpec spec = Read([], [("TROUPE_JOIN", "127.0.0.1:4053, [::1]:4054,host-2:4055")], out IReadOnlyList<OptionProblem>? problems);

        Assert.Empty(problems);
        Assert.Equal(["127.0.0.1:4053", "[::1]:4054", "host-2:4055"], spec.Join.Select(address => address.ToString()));
        Assert.Contains(spec.Cluster!, spec.Join);
    }

    [Fact]
    public void Two_listeners_on_one_port_are_refused()
    {
        Read([("http", "127.0.0.1:9000"), ("metrics", "9000")], [], out IReadOnlyList<OptionProblem>? problems);

        Assert.Equal("--http and --metrics are both 127.0.0.1:9000; give each a port of its own", Assert.Single(problems).Text);
    }

    [Fact]
    public void A_node_alone_joins_nobody()
    {
        Read([("cluster", "off"), ("join", "127.0.0.1:4054")], [], out IReadOnlyList<OptionProblem>? problems);

        Assert.Contains("a node alone joins nobody", Assert.Single(problems).Text, StringComparison.Ordinal);
    }

    private static ServeSpec Read(
        (string Name, string Value)[] commandLine,
        (string Name, string Value)[] environment,
        out IReadOnlyList<OptionProblem> problems
    )
    {
        ServeOptions options = ServeOptions.Read(
            key => [.. commandLine.Where(pair => pair.Name == key.Name).Select(pair => pair.Value)],
            environment.ToDictionary(pair => pair.Name, pair => pair.Value),
            settingsFile: null
        );
        return ServeSpecReader.Read(options, out problems);
    }
}
