using Troupe.Messages.Failures;
using Troupe.Messages.Modes;
using Troupe.Messages.Tensors;
using Troupe.Runtime.Failures;
using Troupe.Runtime.Modes;
using Troupe.Runtime.Platforms;
using Troupe.Runtime.Scopes;
using Troupe.TestSupport.Onnx;
using Troupe.TestSupport.Platforms;

namespace Troupe.Runtime.Tests.Scopes;

/// <summary>Scopes that come and go while others call: right answers, no hang, and nothing left that no scope holds.</summary>
public sealed class ScopesUnderLoadTests
{
    [Fact, Trait("row", "MO-11")]
    public void A_call_admitted_under_a_scope_that_ends_before_it_runs_leaves_nothing_recorded_or_kept()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2), lanes: 2);
        using var stop = new CancellationTokenSource();
        Exception? failure = null;
        Thread[] callers = Start(
            4,
            caller =>
            {
                for (int call = 0; !stop.IsCancellationRequested; call++)
                {
                    float value = (1000 * caller) + (call % 1000);
                    Assert.Equal(2 * value, Workbench.Floats(module.Forward(X(value))[0])[0]);
                }
            },
            stop,
            trouble => failure ??= trouble
        );
        for (int round = 0; round < 300 && failure is null; round++)
        {
            using (module.EnableCudaGraphs())
            using (module.EnablePreAllocatedOutputs())
            {
                module.Forward(X(1));
            }
        }

        stop.Cancel();
        Join(callers);
        Assert.Null(failure);
        Assert.All(module.Instance.Lanes, lane => Assert.Equal((0, 0), (lane.Lane.Graphs, lane.Lane.KeptOutputs)));
    }

    [Fact, Trait("row", "CG-17")]
    public void Lanes_that_record_at_once_over_one_pool_do_not_disturb_each_other()
    {
        using var bench = new Workbench();
        LocalModule module = bench.Open(TinyModels.Scale(2), lanes: 4);
        using EnteredMode scope = module.EnableCudaGraphs();
        using var stop = new CancellationTokenSource();
        Exception? failure = null;
        Thread[] callers = Start(
            4,
            caller =>
            {
                for (int call = 0; call < 250; call++)
                {
                    // More shapes than a lane keeps recordings of, so that there is always somebody who records.
                    int rows = 1 + ((call + (7 * caller)) % 24);
                    float[] values = [.. Enumerable.Range(0, rows * 4).Select(value => (float)(value + caller))];
                    Assert.Equal(
                        values.Select(value => 2 * value),
                        Workbench.Floats(module.Forward(Workbench.Floats("x", [rows, 4], values))[0])
                    );
                }
            },
            stop,
            trouble => failure ??= trouble
        );
        Join(callers);
        Assert.Null(failure);
        Assert.Equal(0, module.Counts.FailedCaptures);
    }

    [Fact]
    public void A_module_is_unloaded_while_scopes_are_entered_on_it_and_called_without_a_hang()
    {
        for (int round = 0; round < 40; round++)
        {
            using var bench = new Workbench();
            LocalModule module = bench.Open(EmulatedModels.Scaled(bench.Folder, """, "workspaceBytes": 64"""), lanes: 3),
                other = bench.Open(TinyModels.Scale(3), lanes: 1);
            using var stop = new CancellationTokenSource();
            Exception? failure = null;
            Thread[] threads = Start(
                3,
                caller =>
                {
                    try
                    {
                        while (!stop.IsCancellationRequested)
                        {
                            if (caller == 0)
                            {
                                module.ResourceAllocationStrategy(WorkspaceStrategy.Dynamic).Dispose();
                            }
                            else
                            {
                                Assert.Equal(2f, Workbench.Floats(module.Forward(X(1))[0])[0]);
                            }
                        }
                    }
                    catch (ForwardException gone) when (gone.Kind == FailureKind.ModelNotLoaded)
                    {
                        // Unloaded between two calls.
                    }
                },
                stop,
                trouble => failure ??= trouble
            );
            Assert.Equal(3f, Workbench.Floats(other.Forward(X(1))[0])[0]);
            module.Dispose();
            stop.Cancel();
            Join(threads);
            Assert.Null(failure);
        }
    }

    [Fact, Trait("row", "MO-10")]
    public void A_change_that_waits_for_one_module_does_not_hold_up_another()
    {
        using var bench = new Workbench();
        LocalModule busy = bench.Open(TinyModels.Scale(2), lanes: 1),
            free = bench.Open(TinyModels.Scale(3), lanes: 1);
        using var inside = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var waiting = new WaitingModule(busy, inside, go);
        busy.Modes.Register(waiting);
        Exception? failure = null;
        using var never = new CancellationTokenSource();
        Thread[] changes = Start(
            1,
            _ => waiting.Modes.Enter([waiting], new ModeChange { Workspace = WorkspaceStrategy.Dynamic }).Dispose(),
            never,
            trouble => failure = trouble
        );
        Assert.True(inside.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));

        // The change is in the middle of waiting for its module.
        Thread[] calls = Start(1, _ => Assert.Equal(3f, Workbench.Floats(free.Forward(X(1))[0])[0]), never, trouble => failure = trouble);
        Assert.True(calls[0].Join(TimeSpan.FromSeconds(30)), "A forward waits for a change of another module.");
        go.Set();
        Join(changes);
        Assert.Null(failure);
        busy.Modes.Unregister(waiting);
    }

    private static Thread[] Start(int count, Action<int> body, CancellationTokenSource stop, Action<Exception> failed)
    {
        Thread[] threads =
        [
            .. Enumerable
                .Range(0, count)
                .Select(index => new Thread(() =>
                {
                    try
                    {
                        body(index);
                    }
                    catch (Exception trouble)
                    {
                        failed(trouble);
                        stop.Cancel();
                    }
                })
                {
                    IsBackground = true,
                }),
        ];
        Array.ForEach(threads, thread => thread.Start());
        return threads;
    }

    private static void Join(Thread[] threads) =>
        Array.ForEach(threads, thread => Assert.True(thread.Join(TimeSpan.FromSeconds(60)), "A thread hangs."));

    private static Tensor X(float value) => Workbench.Floats("x", [1, 4], value, 1, 1, 1);

    /// <summary>A module whose instance settings take until told.</summary>
    private sealed class WaitingModule(LocalModule like, ManualResetEventSlim inside, ManualResetEventSlim go) : IModeTarget
    {
        public string Name => "waiting";

        public RuntimeModes Modes => like.Modes;

        public ModuleTraits Traits => ModuleTraits.Plain;

        public long WeightBudgetBytes => 0;

        public long AutomaticWeightBudgetBytes => 0;

        public void Apply(ModeSettings settings)
        {
            inside.Set();
            Assert.True(go.Wait(TimeSpan.FromSeconds(30)));
        }

        public void FreeAllBut(HeldModes held) { }
    }
}
