using System.Reflection;
using Troupe.Messages.Modes;
using Troupe.Messages.Wire;

namespace Troupe.Messages.Tests.Wire;

/// <summary>Values of modes that have no name do not get onto the wire, whichever mode it is.</summary>
public sealed class ModeChecksTests
{
    public static TheoryData<string> Properties =>
        [
            .. typeof(ModeChange)
                .GetProperties(BindingFlags.Public | BindingFlags.Instance)
                .Where(property => Nullable.GetUnderlyingType(property.PropertyType) is { IsEnum: true })
                .Select(property => property.Name),
        ];

    [Theory, MemberData(nameof(Properties))]
    public void A_value_without_a_name_is_refused_in_a_change_and_in_settings(string property)
    {
        ModeChange change = new();
        PropertyInfo changed = typeof(ModeChange).GetProperty(property)!;
        Type type = Nullable.GetUnderlyingType(changed.PropertyType)!;
        changed.SetValue(change, Enum.ToObject(type, 99));
        Assert.Throws<WireException>(() => WireFormat.Serialize(new SetMode(ModeScope.Cluster, change)));

        ModeSettings settings = new();
        typeof(ModeSettings).GetProperty(property)!.SetValue(settings, Enum.ToObject(type, 99));
        Assert.Throws<WireException>(() => WireFormat.Serialize(new ModeReply.Explanation(settings, [], 0, [])));
    }

    [Fact]
    public void Runtime_settings_and_budgets_without_a_meaning_are_refused()
    {
        ModeChange[] changes =
        [
            new() { RuntimeSettings = new RuntimeSettingsChange((KernelSpecialization)99) },
            new() { RuntimeSettings = new RuntimeSettingsChange(GraphStrategy: (EngineGraphStrategy)99) },
            new() { RuntimeSettings = new RuntimeSettingsChange(Cache: RuntimeCacheChoice.File(new string('x', 100_000))) },
            new() { WeightBudget = new WeightBudget((WeightBudgetKind)99, 0, 0) },
            new() { WeightBudget = WeightBudget.OfFraction(double.NaN) },
        ];
        Assert.All(changes, change => Assert.Throws<WireException>(() => WireFormat.Serialize(new SetMode(ModeScope.Cluster, change))));
    }
}
