namespace Troupe.Hosting.Options;

/// <summary>One setting of a node and its name in each place it can be written.</summary>
/// <param name="Name">As on the command line without the dashes: <c>queue-limit</c>.</param>
/// <param name="Help">One line for <c>--help</c>.</param>
/// <param name="ValueForm">What stands for the value in <c>--help</c>: <c>ADDR</c>.</param>
/// <param name="IsList">May be given several times; in the environment separated by commas, in a settings file as an array.</param>
internal sealed record OptionKey(string Name, string ValueForm, string Help, bool IsList = false)
{
    /// <summary><c>--queue-limit</c></summary>
    public string Switch { get; } = "--" + Name;

    /// <summary><c>TROUPE_QUEUE_LIMIT</c></summary>
    public string Variable { get; } = "TROUPE_" + Name.Replace('-', '_').ToUpperInvariant();

    /// <summary><c>QueueLimit</c>, in the section <c>Troupe</c> of a settings file.</summary>
    public string Setting { get; } = string.Concat(Name.Split('-').Select(word => char.ToUpperInvariant(word[0]) + word[1..]));
}
