namespace Troupe.Hosting.Failures;

/// <summary>The content type an inference's failure is answered under.</summary>
internal enum FailureLabel
{
    /// <summary><c>application/json</c>: found while the request was read.</summary>
    Json,

    /// <summary><c>text/plain</c>: found before or after that.</summary>
    Text,
}
