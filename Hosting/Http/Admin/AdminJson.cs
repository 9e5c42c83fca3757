using System.Text.Json.Serialization;
using Troupe.Hosting.Http.Server;

namespace Troupe.Hosting.Http.Admin;

/// <summary>Reads and writes the documents of <c>/v2/troupe/…</c>; generated, so that no reflection is needed.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonDialect.Naming,
    DefaultIgnoreCondition = JsonDialect.Nulls,
    UnmappedMemberHandling = JsonDialect.Unknown
)]
[JsonSerializable(typeof(ModelsDocument))]
[JsonSerializable(typeof(LoadDocument))]
[JsonSerializable(typeof(LoadedDocument))]
[JsonSerializable(typeof(UnloadDocument))]
[JsonSerializable(typeof(UnloadedDocument))]
[JsonSerializable(typeof(DevicesDocument))]
[JsonSerializable(typeof(NodesDocument))]
[JsonSerializable(typeof(ErrorDocument))]
[JsonSerializable(typeof(ScopeDocument))]
[JsonSerializable(typeof(ModesDocument))]
[JsonSerializable(typeof(AuditDocument))]
[JsonSerializable(typeof(AuditScopeDocument))]
[JsonSerializable(typeof(ModeSettingDocument))]
[JsonSerializable(typeof(ModeChangeDocument))]
[JsonSerializable(typeof(UnsetDocument))]
[JsonSerializable(typeof(ModeChangedDocument))]
[JsonSerializable(typeof(LeaseDocument))]
[JsonSerializable(typeof(LeaseGrantedDocument))]
[JsonSerializable(typeof(ModeExplanationDocument))]
internal sealed partial class AdminJson : JsonSerializerContext;
