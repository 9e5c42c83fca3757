using Troupe.Runtime.Cuda;
using Troupe.Runtime.Cuda.Emulated.Driver;
using Troupe.Runtime.Cuda.Emulated.Execution;
using Troupe.TestSupport.Cuda;

namespace Troupe.Runtime.Tests.Cuda.Emulated.Execution;

/// <summary>Work that waits in queues (<see cref="QueuedExecution"/>): order by streams, events and edges.</summary>
public sealed class DeferredExecutionTests
{
    [Fact]
    public void The_order_of_work_is_that_of_the_seed_and_differs_between_seeds()
    {
        Assert.Equal(Run(3), Run(3));
        Assert.True(Enumerable.Range(1, 20).Select(Run).Distinct().Count() > 3);

        static string Run(int seed)
        {
            using var stage = EmulatedStage.With(ExecutionPolicy.Deferred, seed);
            var order = new List<char>();
            foreach (char name in "abc")
            {
                CuStream stream = stage.Stream();
                for (int i = 0; i < 3; i++)
                {
                    ContractDevice.Ok(stage.Driver.LaunchManaged(stream, Writes(order, name)));
                }
            }

            ContractDevice.Ok(stage.Driver.CtxSynchronize());
            return string.Concat(order);
        }
    }

    [Fact]
    public void Work_of_one_stream_keeps_its_order_under_every_seed()
    {
        for (int seed = 1; seed < 40; seed++)
        {
            using var stage = EmulatedStage.With(ExecutionPolicy.Deferred, seed);
            var order = new List<char>();
            (CuStream first, CuStream second) = (stage.Stream(), stage.Stream());
            foreach (char name in "abcd")
            {
                ContractDevice.Ok(stage.Driver.LaunchManaged(first, Writes(order, name)));
                ContractDevice.Ok(stage.Driver.LaunchManaged(second, Writes(order, char.ToUpperInvariant(name))));
            }

            ContractDevice.Ok(stage.Driver.CtxSynchronize());
            Assert.Equal("abcd", string.Concat(order.Where(char.IsLower)));
            Assert.Equal("ABCD", string.Concat(order.Where(char.IsUpper)));
        }
    }

    [Fact]
    public void A_driver_with_a_pump_makes_progress_while_nobody_asks()
    {
        using var stage = new EmulatedStage(new EmulatedDriverOptions { Policy = ExecutionPolicy.Deferred, Pump = true });
        using var called = new ManualResetEventSlim();
        ContractDevice.Ok(stage.Driver.LaunchHostFunc(stage.Stream(), new Signal(called)));
        Assert.True(
            called.Wait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken),
            "The host function was not called within 30 s."
        );
    }

    [Fact]
    public void A_host_function_runs_on_another_thread()
    {
        using var stage = EmulatedStage.With(ExecutionPolicy.Deferred);
        CuStream stream = stage.Stream();
        var where = new Where();
        ContractDevice.Ok(stage.Driver.LaunchHostFunc(stream, where));
        ContractDevice.Ok(stage.Driver.StreamSynchronize(stream));
        Assert.NotEqual(Environment.CurrentManagedThreadId, where.ThreadId);
    }

    [Fact]
    public unsafe void A_pageable_source_is_read_at_the_call_under_some_seeds_and_at_execution_under_others()
    {
        var seen = new HashSet<uint>();
        for (int seed = 1; seed < 40; seed++)
        {
            using var stage = EmulatedStage.With(ExecutionPolicy.Deferred, seed);
            CuStream stream = stage.Stream();
            DevicePointer values = stage.Memory(4);
            uint source = 1;
            ContractDevice.Ok(stage.Driver.MemcpyHtoDAsync(values, (nint)(&source), 4, stream));
            source = 2;
            ContractDevice.Ok(stage.Driver.StreamSynchronize(stream));
            uint read;
            ContractDevice.Ok(stage.Driver.MemcpyDtoH((nint)(&read), values, 4));
            seen.Add(read);
        }

        Assert.Equal([1u, 2u], seen.Order());
    }

    private static TestKernel Writes(List<char> order, char name) =>
        new(
            $"{name}",
            [],
            _ =>
            {
                order.Add(name);
                return CuResult.Success;
            }
        );

    private sealed class Signal(ManualResetEventSlim called) : HostFunction
    {
        public override void Invoke() => called.Set();
    }

    private sealed class Where : HostFunction
    {
        public int ThreadId { get; private set; }

        public override void Invoke() => ThreadId = Environment.CurrentManagedThreadId;
    }
}
