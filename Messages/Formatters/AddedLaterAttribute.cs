namespace Troupe.Messages.Formatters;

/// <summary>Marks a member that a message got after its first version: it is not written while it, and every member behind it, has its
/// default, so that what does not use it keeps its bytes.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class AddedLaterAttribute : Attribute;
