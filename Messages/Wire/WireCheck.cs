using System.Diagnostics.CodeAnalysis;
using System.Text;
using Troupe.Messages.Formatters;

namespace Troupe.Messages.Wire;

/// <summary>The words in which valid messages are described: each method passes or throws a <see cref="WireException"/> that names the
/// field.</summary>
internal sealed class WireCheck(string manifest)
{
    [DoesNotReturn]
    public void Fail(string what, string limit) => throw new WireException(manifest, what, limit);

    public void Present([NotNull] object? value, string field)
    {
        if (value is null)
        {
            Fail($"{field} is missing", "a value");
        }
    }

    /// <summary>A name: not empty, not too long, no control characters.</summary>
    public void Name([NotNull] string? value, string field)
    {
        Present(value, field);
        if (value.Length == 0)
        {
            Fail($"{field} is empty", "a name");
        }

        Text(value, field, WireLimits.NameBytes);
        foreach (char letter in value)
        {
            if (char.IsControl(letter))
            {
                Fail($"{field} contains U+{(int)letter:X4}", "no control characters");
            }
        }
    }

    /// <summary>Text that may be empty.</summary>
    public void Text([NotNull] string? value, string field, int limit)
    {
        Present(value, field);
        if (value.Length > limit / 3 && Encoding.UTF8.GetByteCount(value) > limit)
        {
            Fail($"{field} is too long", $"at most {limit} bytes of UTF-8");
        }
    }

    public void OptionalText(string? value, string field, int limit)
    {
        if (value is not null)
        {
            Text(value, field, limit);
        }
    }

    /// <summary>Text for people; too long is no fault of the sender, who clips it.</summary>
    public void Prose([NotNull] string? value, string field) => Present(value, field);

    public void NotNegative(long value, string field)
    {
        if (value < 0)
        {
            Fail($"{field} is {value}", "0 or more");
        }
    }

    public void AtLeastOne(long value, string field)
    {
        if (value < 1)
        {
            Fail($"{field} is {value}", "1 or more");
        }
    }

    public void Duration(TimeSpan value, string field)
    {
        if (value < TimeSpan.Zero || value > WireLimits.Duration)
        {
            Fail($"{field} is {value}", $"0 to {WireLimits.Duration.TotalDays} days");
        }
    }

    /// <summary>A list that is there, not too long, and whose entries pass.</summary>
    public void Each<T>([NotNull] T[]? list, string field, Action<WireCheck, T> validate, int limit = WireLimits.ListItems)
    {
        Present(list, field);
        if (list.Length > limit)
        {
            Fail($"{field} has {list.Length} entries", $"at most {limit}");
        }

        foreach (T item in list)
        {
            if (item is null)
            {
                Fail($"{field} has an entry that is nil", "values");
            }

            validate(this, item);
        }
    }

    /// <summary>An enum value that has a name; the reader has checked, this is for the writer.</summary>
    public void Defined<T>(T value, string field)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            Fail($"{field} is {value}", $"a {typeof(T).Name}");
        }
    }
}
