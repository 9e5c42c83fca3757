using Troupe.Messages.Modes;
using Troupe.Runtime.Modules;

namespace Troupe.Runtime.Plans;

/// <summary>Writes the profile of each of a lane's forwards, where profiling is on.</summary>
/// <remarks><b>Thread</b> the lane's holder. <b>Blocks</b> on the disk.</remarks>
internal sealed class ProfileWriter(InstanceSettings settings, Table<SegmentIndex, BoundSegment> segments)
{
    /// <summary>Forwards whose profile could not be written.</summary>
    public long Unwritten { get; private set; }

    /// <summary>After a forward that succeeded.</summary>
    /// <param name="withDevice">Also the phase in which the device context was checked, under multi-device safe mode.</param>
    public void Write(bool withDevice)
    {
        if (settings.Profiling == ProfilingFormat.Off)
        {
            return;
        }

        try
        {
            foreach (BoundSegment segment in segments.Items)
            {
                ProfileFiles.Write(
                    settings.ProfileFolder,
                    settings.Profiling,
                    segment.Profile,
                    segment.Engine.LayerInformation,
                    withDevice
                );
            }
        }
        catch (Exception trouble) when (trouble is IOException or UnauthorizedAccessException)
        {
            // The forward itself is done and right; another lane may be writing the same files, or the folder is gone.
            Unwritten++;
        }
    }
}
