using Troupe.Messages.Identity;
using Troupe.Messages.Modes;
using Troupe.Runtime.Modes;

namespace Troupe.Actors.Tests.Modes;

/// <summary>Random requests, reordering, partitions, deaths and time, and what must hold whatever came: the laws of the mode
/// directories.</summary>
public class ModeDirectoryPropertyTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void After_whatever_happened_the_directories_agree_and_nothing_granted_or_ended_is_lost()
    {
        for (int seed = 1; seed <= 60; seed++)
        {
            try
            {
                new Run(seed).Go();
            }
            catch (Exception failure)
            {
                throw new InvalidOperationException($"seed {seed}: {failure.Message}", failure);
            }
        }
    }

    private sealed class Run
    {
        private readonly Random _random;
        private readonly ModeCluster _cluster;
        private readonly List<ModeCluster.Request> _requests = [];
        private readonly HashSet<string> _deadOwners = [];
        private int _owners;

        public Run(int seed)
        {
            _random = new Random(seed);
            _cluster = new ModeCluster(
                3,
                2,
                seed,
                traits: gpu => gpu.Ordinal == 0 ? ModuleTraits.Plain : new ModuleTraits { CudaGraphs = false, ProfileCount = 2 }
            );
        }

        public void Go()
        {
            for (int step = 0; step < 250; step++)
            {
                Act();
                for (int deliveries = _random.Next(6); deliveries > 0; deliveries--)
                {
                    _cluster.Step();
                }
            }

            _cluster.Heal();
            _cluster.Settle(TimeSpan.FromSeconds(60));
            Check();
        }

        private void Act()
        {
            ModeCluster.Node node = Pick(_cluster.Alive.ToArray());
            switch (_random.Next(20))
            {
                case <= 5:
                    Ask(
                        node,
                        new EnterMode(Scope(), Change(), Second * _random.Next(1, 1000), _random.Next(4) == 0 ? $"owner-{_owners++}" : null)
                    );
                    break;
                case 6:
                    Ask(node, new SetMode(Scope(), Change()));
                    break;
                case 7:
                    Ask(node, _random.Next(2) == 0 ? new SetMode(Scope(), Change()) : new UnsetMode(Scope(), Names()));
                    break;
                case <= 10 when Tokens() is { Length: > 0 } tokens:
                    Ask(node, new ExitMode(Pick(tokens)));
                    break;
                case 11 when Tokens() is { Length: > 0 } tokens:
                    Ask(node, new RenewMode(Pick(tokens), Second * _random.Next(1, 1000)));
                    break;
                case 12:
                    Ask(node, new OpenSession(Second * 1000));
                    break;
                case 13 when Sessions() is { Length: > 0 } sessions:
                    Ask(node, new CloseSession(Pick(sessions)));
                    break;
                case 14:
                    Ask(node, new ExplainModes(ModeScope.Cluster));
                    break;
                case 15:
                    _cluster.Split(_random.Next(2), _random.Next(2), _random.Next(2));
                    break;
                case 16:
                    _cluster.Heal();
                    break;
                case 17:
                    _cluster.Advance(TimeSpan.FromMilliseconds(_random.Next(3000)));
                    break;
                case 18 when _owners > 0:
                    string owner = $"owner-{_random.Next(_owners)}";
                    _deadOwners.Add(owner);
                    _cluster.KillOwner(owner);
                    break;
                case 19 when _random.Next(40) == 0 && _cluster.Alive.Count() > 2:
                    _cluster.Kill(_random.Next(3));
                    break;
            }
        }

        private void Check()
        {
            ModeCluster.Node[] alive = [.. _cluster.Alive];
            Assert.All(alive, node => Assert.Equal(0, node.Core.Open));
            Assert.All(_requests.Where(request => request.Node.IsAlive), request => Assert.Single(request.Replies));
            Assert.All(_requests, request => Assert.True(request.Replies.Count <= 1));
            Assert.All(alive, node => Assert.Equal(alive[0].Core.Store.Digest(), node.Core.Store.Digest()));
            Assert.All(alive, node => Assert.Equal(Live(alive[0]), Live(node)));
            foreach (ModeCluster.Node node in alive)
            {
                foreach (GpuId gpu in node.Gpus)
                {
                    AdmittedModes expected = node.Core.InForce.Admit(ModeTarget.Of(gpu, ModeCluster.Model), _cluster.TraitsOf(gpu));
                    Assert.Equal(expected.Settings, node.For(gpu.Ordinal).Settings);
                    Assert.Equal(expected.Refusal?.Reason, node.For(gpu.Ordinal).Conflict);
                }
            }

            HashSet<ModeToken> live =
            [
                .. alive[0].Core.InForce.Entries.Where(entry => entry.Token is not null).Select(entry => entry.Token!.Value),
            ];

            // What a node granted or ended alone in its part of a partition dies with it; leases see to the rest.
            foreach (ModeCluster.Request request in _requests.Where(request => request.Node.IsAlive))
            {
                if (request.Replies is [ModeReply.Exited exited])
                {
                    Assert.DoesNotContain(exited.Token, live);
                }
            }

            HashSet<ModeToken> exitTried = [.. _requests.Select(request => request.What).OfType<ExitMode>().Select(exit => exit.Token)];
            HashSet<ModeToken> renewTried = [.. _requests.Select(request => request.What).OfType<RenewMode>().Select(renew => renew.Token)];
            foreach (ModeCluster.Request request in _requests.Where(request => request.Node.IsAlive))
            {
                if (
                    request is { What: EnterMode { Owner: null, Scope.Session: null } enter, Replies: [ModeReply.Entered entered] }
                    && enter.Lease > TimeSpan.FromSeconds(700)
                    && !exitTried.Contains(entered.Token)
                    && !renewTried.Contains(entered.Token)
                )
                {
                    Assert.Contains(entered.Token, live);
                }
            }

            Assert.DoesNotContain(alive[0].Core.InForce.Entries, entry => entry.Owner is { } owner && _deadOwners.Contains(owner));
        }

        private static IEnumerable<(ModeStamp, ModeChange)> Live(ModeCluster.Node node) =>
            node.Core.InForce.Entries.Select(entry => (entry.Stamp, entry.Change));

        private void Ask(ModeCluster.Node node, ModeRequest what) => _requests.Add(node.Ask(what));

        private ModeToken[] Tokens() =>
            [.. _requests.SelectMany(request => request.Replies).OfType<ModeReply.Entered>().Select(entered => entered.Token)];

        private SessionId[] Sessions() =>
            [.. _requests.SelectMany(request => request.Replies).OfType<ModeReply.SessionOpened>().Select(opened => opened.Session)];

        private ModeScope Scope() =>
            _random.Next(6) switch
            {
                0 => new ModeScope(Node: Pick([.. _cluster.Nodes]).Id),
                1 => new ModeScope(Gpu: new GpuId(Pick([.. _cluster.Nodes]).Id, _random.Next(2))),
                2 => new ModeScope(Model: new ModelReference("m")),
                3 when Sessions() is { Length: > 0 } sessions => new ModeScope(Session: Pick(sessions)),
                _ => ModeScope.Cluster,
            };

        private ModeChange Change() =>
            _random.Next(4) switch
            {
                0 => new ModeChange { CudaGraphs = (CudaGraphsMode)_random.Next(4) },
                1 => new ModeChange { OutputAllocator = _random.Next(2) == 0 },
                2 => new ModeChange { Profile = ProfileChoice.Pinned(_random.Next(3)) },
                _ => new ModeChange { PreAllocatedOutputs = _random.Next(2) == 0, MultiDeviceSafe = true },
            };

        private string[] Names() => [.. ModeField.All.Where(_ => _random.Next(2) == 0).Select(field => field.Name)];

        private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];
    }
}
