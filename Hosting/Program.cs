using System.Runtime.InteropServices;
using Troupe.Hosting.Cli;
using Troupe.Hosting.Startup;

NativeLibraries.Install();
using CancellationTokenSource stop = new();

// The first signal asks the command to end well, the second one ends the process at once.
void Stop(PosixSignalContext signal)
{
    signal.Cancel = !stop.IsCancellationRequested;
    stop.Cancel();
}

using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, Stop);
using PosixSignalRegistration quit = PosixSignalRegistration.Create(PosixSignal.SIGQUIT, Stop);
return await TroupeCommand.RunAsync(args, Console.Out, Console.Error, stop.Token);
