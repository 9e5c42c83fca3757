using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Troupe.Hosting.Failures;
using Troupe.Hosting.Http.Admin;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Cli;

/// <summary>Speaks HTTP to a running node for the client commands; turns every kind of trouble into a <see cref="CliException"/>.</summary>
internal sealed class NodeClient : IDisposable
{
    public const string DefaultUrl = "http://127.0.0.1:8000";

    private readonly HttpClient _http;

    public NodeClient(string url, TimeSpan timeout)
    {
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? address) || address.Scheme is not ("http" or "https"))
        {
            throw new CliException(ExitCode.Usage, $"--url: '{url}' is not an http or https address; write e.g. {DefaultUrl}");
        }

        Url = address.GetLeftPart(UriPartial.Authority);
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                UseCookies = false,
                UseProxy = false,
                AllowAutoRedirect = false,
            }
        )
        {
            BaseAddress = new Uri(Url),
            Timeout = timeout,
        };
    }

    public string Url { get; }

    /// <summary>Asks an endpoint whose path has no parameters.</summary>
    public Task<TDocument> AskAsync<TDocument>(EdgeEndpoint<TDocument> endpoint, CancellationToken cancellation) =>
        AskAsync(endpoint, [], "", cancellation);

    /// <param name="values">Of the parameters of its path.</param>
    /// <param name="query">With its question mark, or empty.</param>
    public async Task<TDocument> AskAsync<TDocument>(
        EdgeEndpoint<TDocument> endpoint,
        string[] values,
        string query,
        CancellationToken cancellation
    )
    {
        using HttpRequestMessage request = new(new HttpMethod(endpoint.Verb), endpoint.Path(values) + query);
        using HttpResponseMessage response = await SendAsync(request, cancellation);
        return await ReadAsync(response, endpoint.Answered, cancellation);
    }

    /// <param name="values">Of the parameters of its path.</param>
    public async Task<TDocument> AskAsync<TBody, TDocument>(
        EdgeEndpoint<TBody, TDocument> endpoint,
        string[] values,
        TBody body,
        CancellationToken cancellation
    )
    {
        using HttpRequestMessage request = new(new HttpMethod(endpoint.Verb), endpoint.Path(values))
        {
            Content = new ReadOnlyMemoryContent(JsonDialect.Bytes(body, endpoint.Asked)),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(Answer.Json);
        using HttpResponseMessage response = await SendAsync(request, cancellation);
        return await ReadAsync(response, endpoint.Answered, cancellation);
    }

    /// <summary>Sends, and throws unless the answer is a success; the caller disposes the answer, whose body is read.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response;
        try
        {
            response = await _http.SendAsync(request, cancellation);
        }
        catch (HttpRequestException unreachable)
        {
            throw new CliException(
                ExitCode.Unreachable,
                $"no node answers at {Url}: {unreachable.Message}; start one with 'troupe serve' or name another with --url or TROUPE_URL",
                unreachable
            );
        }
        catch (OperationCanceledException late) when (!cancellation.IsCancellationRequested)
        {
            throw new CliException(
                ExitCode.Unreachable,
                $"the node at {Url} did not answer within {_http.Timeout.TotalSeconds:0.###} s",
                late
            );
        }

        if (!response.IsSuccessStatusCode)
        {
            using (response)
            {
                throw new CliException(
                    FailureMap.Exit((int)response.StatusCode),
                    $"{await ErrorOfAsync(response, cancellation)} (HTTP {(int)response.StatusCode} from {Url})"
                );
            }
        }

        return response;
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Takes what is wanted out of an answer; one that has not got it is no node's.</summary>
    /// <exception cref="CliException">The answer is none that a node gives.</exception>
    public T Read<T>(HttpResponseMessage response, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception alien)
            when (alien is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            string why = alien is JsonException broken ? JsonDialect.Trouble(broken) : "a member is missing, or not what it should be";
            throw new CliException(
                ExitCode.Refused,
                $"{Url}{response.RequestMessage?.RequestUri?.PathAndQuery} did not answer as a Troupe node does: {why}",
                alien
            );
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type, CancellationToken cancellation)
    {
        byte[] body = await response.Content.ReadAsByteArrayAsync(cancellation);
        return Read(
            response,
            () =>
            {
                using JsonDocument document = JsonDocument.Parse(body);
                try
                {
                    return document.Deserialize(type) ?? throw new JsonException("it is null");
                }
                catch (JsonException misfit)
                {
                    throw new JsonException(JsonMisfit.Of(type, misfit.Path), misfit);
                }
            }
        );
    }

    private static async Task<string> ErrorOfAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        string text = await response.Content.ReadAsStringAsync(cancellation);
        try
        {
            return JsonSerializer.Deserialize(text, AdminJson.Default.ErrorDocument)?.Error ?? text;
        }
        catch (JsonException)
        {
            return text.Length == 0 ? response.StatusCode.ToString()
                : text.Length > 300 ? text[..300]
                : text;
        }
    }
}
