using Troupe.Hosting.Demo;
using Troupe.Hosting.Pictures;

namespace Troupe.Hosting.Tests.Demo;

public sealed class FaceFrameTests
{
    [Theory]
    [InlineData(200, 100)]
    [InlineData(100, 200)]
    [InlineData(128, 128)]
    public void A_box_goes_into_the_square_and_comes_back(int width, int height)
    {
        FaceFrame frame = FaceFrame.Around(new Picture(width, height, 3, new byte[width * height * 3]));
        Assert.Equal((FaceFrame.Side, FaceFrame.Side), (frame.Square.Width, frame.Square.Height));
        float edge = Math.Max(width, height);
        Face whole = frame.ToPicture(new Face(1, frame.Left / edge, frame.Top / edge, width / edge, height / edge));
        Assert.Equal((0f, 0f, width, height), (whole.Left, whole.Top, (int)MathF.Round(whole.Width), (int)MathF.Round(whole.Height)));
    }

    [Fact]
    public void The_shipped_pictures_and_labels_belong_together()
    {
        FashionMnist pictures = FashionMnist.Read();
        Assert.Equal((200, 200), (pictures.Images.Count, pictures.Labels.Count));
        Assert.All(pictures.Labels, label => Assert.InRange(label, 0, 9));
        Assert.Equal(9, pictures.Labels[0]);
    }
}
