using Troupe.Actors.Decisions;

namespace Troupe.Actors.Tests.Decisions;

public sealed class DecisionQueueTests
{
    private readonly DecisionQueue<Say, Listener> _queue = new();
    private readonly Listener _listener = new();

    [Fact]
    public void One_that_throws_takes_none_with_it()
    {
        Add("a", "!", "b");
        _queue.ApplyTo(_listener);
        Assert.Equal(["a", "failed !", "b"], _listener.Heard);
        Assert.Equal(0, _queue.Count);
    }

    [Fact]
    public void One_that_throws_is_tried_once_more_behind_the_others_when_the_shell_says_so()
    {
        _listener.OnFailed = decision => _listener.Heard.Add(_queue.TryRepeat(decision) ? "again" : "never");
        Add("!", "a");
        _queue.ApplyTo(_listener);
        Assert.Equal(["again", "a", "never"], _listener.Heard);
    }

    [Fact]
    public void What_a_decision_brings_about_is_applied_behind_those_that_stand()
    {
        _listener.OnHeard = word =>
        {
            if (word == "a")
            {
                Add("c");
                _queue.ApplyTo(_listener);
            }
        };
        Add("a", "b");
        _queue.ApplyTo(_listener);
        Assert.Equal(["a", "b", "c"], _listener.Heard);
    }

    [Fact]
    public void A_shell_that_throws_itself_leaves_the_rest_for_its_next_life()
    {
        _listener.OnFailed = _ => throw new InvalidOperationException("the shell");
        Add("!", "a");
        Assert.Throws<InvalidOperationException>(() => _queue.ApplyTo(_listener));
        Assert.Equal(1, _queue.Count);
        _queue.ApplyTo(_listener);
        Assert.Equal(["a"], _listener.Heard);
    }

    private void Add(params string[] words)
    {
        foreach (string word in words)
        {
            _queue.Add(new Say(word));
        }
    }

    private readonly record struct Say(string Word) : IDecision<Listener>
    {
        public void ApplyTo(Listener shell) => shell.Hear(Word);
    }

    private sealed class Listener : IShell<Say>
    {
        public List<string> Heard { get; } = [];

        public Action<string>? OnHeard { get; set; }

        public Action<Say>? OnFailed { get; set; }

        public void Hear(string word)
        {
            if (word == "!")
            {
                throw new InvalidOperationException(word);
            }

            Heard.Add(word);
            OnHeard?.Invoke(word);
        }

        public void Failed(in Say decision, Exception cause)
        {
            if (OnFailed is null)
            {
                Heard.Add($"failed {decision.Word}");
            }
            else
            {
                OnFailed(decision);
            }
        }
    }
}
