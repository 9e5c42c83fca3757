namespace Troupe.Hosting.Http.Admin;

/// <summary>Body of every answer that is not a success.</summary>
internal sealed record ErrorDocument(string Error);
