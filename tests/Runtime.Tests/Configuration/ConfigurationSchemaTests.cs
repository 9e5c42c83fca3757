using Google.Protobuf.Reflection;
using Troupe.Runtime.Configuration;

namespace Troupe.Runtime.Tests.Configuration;

/// <summary>What the readers rely on in the schema.</summary>
public sealed class ConfigurationSchemaTests
{
    [Fact]
    public void No_message_holds_itself_so_that_depth_is_bounded()
    {
        Assert.InRange(Depth(ModelConfig.Descriptor, []), 5, 8);

        static int Depth(MessageDescriptor message, List<string> above)
        {
            Assert.DoesNotContain(message.FullName, above);
            return 1
                + message
                    .Fields.InDeclarationOrder()
                    .Where(field => field.FieldType == FieldType.Message)
                    .Select(field => Depth(field.MessageType, [.. above, message.FullName]))
                    .DefaultIfEmpty()
                    .Max();
        }
    }

    [Fact]
    public void Every_field_has_a_type_that_the_readers_know_and_an_index_that_fits_64_bits() =>
        Assert.All(
            ConfigurationSchema.Messages().SelectMany(message => message.Fields.InDeclarationOrder()),
            field =>
            {
                Assert.InRange(field.Index, 0, 63);
                Assert.Contains(
                    field.FieldType,
                    new[]
                    {
                        FieldType.String,
                        FieldType.Bool,
                        FieldType.Enum,
                        FieldType.Message,
                        FieldType.Float,
                        FieldType.Double,
                        FieldType.Int32,
                        FieldType.Int64,
                        FieldType.UInt32,
                        FieldType.UInt64,
                    }
                );
            }
        );

    [Theory]
    [InlineData("name", 1)]
    [InlineData("max_batch_size", 4)]
    [InlineData("dynamic_batching", 11)]
    [InlineData("sequence_batching", 13)]
    [InlineData("ensemble_scheduling", 15)]
    [InlineData("backend", 17)]
    [InlineData("response_cache", 24)]
    [InlineData("runtime", 25)]
    [InlineData("model_metrics", 26)]
    public void Numbers_are_the_public_ones(string field, int number) =>
        Assert.Equal(number, ModelConfig.Descriptor.FindFieldByName(field).FieldNumber);
}
